import type { TranslationBundle } from '@jupyterlab/translation';
import type { IOption, IScheduleDetail, Json } from '../wire';
import { durationText } from './retry';
import { savedText } from './timing';
import { valueText } from './wishes';

/** One thing that is otherwise than before. */
export interface IDifference {
  label: string;
  was: string;
  is: string;
}


/**
 * Return what is otherwise in a schedule than it was.
 *
 * @param options of jobs, for their names
 */
export function differences(
  before: IScheduleDetail,
  after: IScheduleDetail,
  options: readonly IOption[],
  trans: TranslationBundle
): IDifference[] {
  const pausedText = ({ paused_at }: IScheduleDetail) =>
    paused_at === null ? trans.__('it goes on') : trans.__('paused');
  const starter = ({ where }: IScheduleDetail) =>
    where === 'cloud' ? trans.__('AWS') : trans.__('this machine');
  const facts: [string, (one: IScheduleDetail) => Json][] = [
    [trans.__('Name'), one => one.name],
    [trans.__('When'), one => one.when_text],
    [trans.__('What'), one => one.what_text],
    [trans.__('Started by'), starter],
    [trans.__('State'), pausedText],
    [trans.__('If missed'), one => one.missed],
    [
      trans.__('Late at most'),
      one => (one.max_age_s === null ? null : durationText(one.max_age_s))
    ],
    [trans.__('While one runs'), one => one.overlap],
    [trans.__('Cost cap a month'), one => one.month_usd],
    [trans.__('After'), one => one.after.join(', ')]
  ];
  const fields = new Set([...Object.keys(before.options), ...Object.keys(after.options)]);
  for (const field of [...fields].sort()) {
    const label = options.find(option => option.field === field)?.label ?? field;
    facts.push([label, one => savedText(field, one.options[field] ?? null)]);
  }
  return facts
    .map(([label, of]) => ({ label, was: valueText(of(before)), is: valueText(of(after)) }))
    .filter(({ was, is }) => was !== is);
}
