import type { TranslationBundle } from '@jupyterlab/translation';
import type { IScheduleDetail } from '../wire';

/** One thing that is otherwise than before. */
export interface IDifference {
  label: string;
  was: string;
  is: string;
}

function text(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Return what is otherwise in a schedule than it was. */
export function differences(
  before: IScheduleDetail,
  after: IScheduleDetail,
  trans: TranslationBundle
): IDifference[] {
  const pausedText = ({ paused_at }: IScheduleDetail) =>
    paused_at === null ? trans.__('it goes on') : trans.__('paused');
  const facts: [string, (one: IScheduleDetail) => unknown][] = [
    [trans.__('Name'), one => one.name],
    [trans.__('When'), one => one.when_text],
    [trans.__('What'), one => one.what_text],
    [trans.__('State'), pausedText],
    [trans.__('If missed'), one => one.missed],
    [trans.__('Late at most, s'), one => one.max_age_s],
    [trans.__('While one runs'), one => one.overlap],
    [trans.__('Cost cap a month'), one => one.month_usd],
    [trans.__('After'), one => one.after.join(', ')]
  ];
  const options = new Set([...Object.keys(before.options), ...Object.keys(after.options)]);
  for (const option of [...options].sort()) {
    facts.push([option, one => one.options[option]]);
  }
  return facts
    .map(([label, of]) => ({ label, was: text(of(before)), is: text(of(after)) }))
    .filter(({ was, is }) => was !== is);
}
