import type { TranslationBundle } from '@jupyterlab/translation';
import type { IForm, IOption } from '../../wire';
import { optionField } from '../errors';
import type { ILaunchSnapshot } from '../shown';
import { isOfCloud, isWhereAsked, NOT_IN_CLOUD } from '../started_by';
import type { ITiming } from '../timing';
import { PRESETS, textOf, timesAsked, zoneHere, zones } from '../timing';
import { Moments } from './Moments';
import { OptionField } from './OptionField';
import { Part } from './Part';
import type { IFieldProblem } from './Problem';
import { SourceField } from './SourceField';
import { StartedByField } from './StartedByField';

/** Options that are seen at once; the others are rules that most leave alone. */
const FIRST = ['when', 'tz'];
const NEXT = ['start', 'end', 'source', 'where'];

export interface ITimingFieldsProps {
  idPrefix: string;
  form: IForm;
  shown: ILaunchSnapshot;
  timing: ITiming;
  /** Milliseconds since 1970, by the server's clock. */
  now: number;
  problemAt: (field: string) => IFieldProblem | null;
  onChange: (keyword: string, text: string) => void;
  onOpenRules: (isOpen: boolean) => void;
  trans: TranslationBundle;
}

/** Return what is shown of the moments: of what is typed, or of what was saved. */
function momentsShown({ timing, shown }: ITimingFieldsProps) {
  const { answer, isStale } = shown.times;
  const { edited } = timing;
  if (timesAsked(timing) !== null) {
    return answer && { ...answer, isStale };
  }
  const isAsSaved = edited !== null && textOf(timing, 'when') === (timing.begun.when ?? '');
  return isAsSaved ? { ...edited, isStale: false } : null;
}

/** Return how late a run may be, as it is where the cloud starts it. */
function ofCloud(option: IOption, trans: TranslationBundle): IOption {
  const help = trans.__('How long AWS tries to start what it could not start at its time, a day at most.');
  return { ...option, help: `${help} [default: 1h]` };
}

/** When it runs, what that means before it is saved, and by which rules. */
export function TimingFields(props: ITimingFieldsProps): JSX.Element {
  const { idPrefix, form, shown, timing, now, problemAt, onChange, onOpenRules, trans } = props;
  const options = form.schedule_options;
  const isCloud = isOfCloud(timing);
  const usualOf = (keyword: string) =>
    keyword === 'when'
      ? { value: PRESETS[0], source: '' }
      : keyword === 'tz'
        ? { value: shown.times.answer?.zone ?? zoneHere(), source: '' }
        : undefined;
  const suggestionsOf = (keyword: string) =>
    keyword === 'when' ? PRESETS : keyword === 'tz' ? zones() : undefined;
  const problemOf = (keyword: string) => problemAt(optionField(keyword));
  const field = (option: IOption, isHelpShown = false) => {
    const { keyword } = option;
    const common = {
      id: `${idPrefix}${keyword}`,
      option: isCloud && keyword === 'max_age' ? ofCloud(option, trans) : option,
      problem: problemOf(keyword),
      trans
    };
    const text = textOf(timing, keyword);
    const onText = (changed: string) => onChange(keyword, changed);
    if (keyword === 'source') {
      return (
        <SourceField
          {...common}
          key={keyword}
          text={text}
          isSnapshotOnly={isCloud}
          onChange={onText}
        />
      );
    }
    if (keyword === 'where') {
      return <StartedByField {...common} key={keyword} text={text} onChange={onText} />;
    }
    return (
      <OptionField
        {...common}
        key={keyword}
        wish={text}
        usual={usualOf(keyword)}
        isHelpShown={isHelpShown}
        suggestions={suggestionsOf(keyword)}
        onChange={value => onText(typeof value === 'string' ? value : '')}
      />
    );
  };
  const of = (keywords: readonly string[]) =>
    options.filter(option => keywords.includes(option.keyword));
  const isShown = ({ keyword }: IOption) =>
    problemOf(keyword) !== null ||
    (keyword === 'where' && isWhereAsked(timing, shown.engine?.name)) ||
    (keyword !== 'where' && !(isCloud && NOT_IN_CLOUD.includes(keyword)));
  const others = options.filter(({ keyword }) => ![...FIRST, ...NEXT].includes(keyword));
  const rules = others.filter(isShown);
  const left = others.filter(option => !isShown(option)).map(({ label }) => label);
  const isRuleWrong = rules.some(({ keyword }) => problemOf(keyword) !== null);
  const set = rules.filter(({ keyword }) => textOf(timing, keyword) !== '').length;
  const moments = momentsShown(props);
  return (
    <>
      <fieldset className="jp-Flotilla-fields jp-Flotilla-timing">
        <legend>{trans.__('When')}</legend>
        {of(FIRST).map(option => field(option))}
        {moments && (
          <Moments
            whenText={moments.when_text}
            zone={moments.zone}
            upcoming={moments.upcoming}
            isStale={moments.isStale}
            now={now}
            trans={trans}
          />
        )}
        {of(NEXT)
          .filter(isShown)
          .map(option => field(option))}
      </fieldset>
      <Part
        title={trans.__('Rules')}
        note={set ? trans.__('%1 set', set) : undefined}
        isOpen={isRuleWrong || shown.open.includes('rules')}
        onOpen={onOpenRules}
      >
        <div className="jp-Flotilla-fields" data-described="true">
          {rules.map(option => field(option, true))}
          {left.length > 0 && (
            <p className="jp-Flotilla-help">
              {trans.__(
                'Nobody is there to keep these where AWS starts the runs: %1. Timeout and cost cap limit each run.',
                left.join(', ')
              )}
            </p>
          )}
        </div>
      </Part>
    </>
  );
}
