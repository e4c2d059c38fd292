import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import { formatMemory } from '../../format';
import type { IEngine, IForm, IOption } from '../../wire';
import { hasLegalSizes, sizeOf } from '../options';
import { legalMemory, sizeText } from '../sizes';
import type { IWishes } from '../wishes';
import { withOption } from '../wishes';
import type { IFieldProblem } from './Problem';
import { Field } from './Field';
import { OptionField } from './OptionField';

export interface ISizeFieldsProps {
  idOf: (keyword: string) => string;
  form: IForm;
  engine: IEngine;
  wishes: IWishes;
  problemOf: (keyword: string) => IFieldProblem | null;
  onChange: (wishes: IWishes) => void;
  trans: TranslationBundle;
}

/** CPU and memory: a choice of what is legal, or any size where every one is. */
export function SizeFields(props: ISizeFieldsProps): JSX.Element {
  const { idOf, form, engine, wishes, problemOf, onChange, trans } = props;
  const isLimited = hasLegalSizes(engine, wishes);
  const size = isLimited ? sizeOf(form, engine, wishes) : null;
  const wishBoth = (cpu: number, memoryMib: number) => {
    const withCpu = withOption(wishes, 'cpu', String(cpu));
    onChange(withOption(withCpu, 'memory', sizeText(memoryMib)));
  };
  const select = (option: IOption) => {
    if (size === null) {
      return null;
    }
    const isCpu = option.keyword === 'cpu';
    const sizes = engine.sizes ?? [];
    const values = isCpu
      ? sizes.map(one => ({ value: String(one.cpu), label: String(one.cpu) }))
      : legalMemory(sizes, size.cpu).map(mib => ({ value: String(mib), label: formatMemory(mib) }));
    return (
      <Field
        key={option.keyword}
        id={idOf(option.keyword)}
        label={option.label}
        help={option.help}
        problem={problemOf(option.keyword)}
      >
        {control => (
          <HTMLSelect
            {...control}
            value={String(isCpu ? size.cpu : size.memory_mib)}
            onChange={({ target }) => {
              const value = Number(target.value);
              wishBoth(isCpu ? value : size.cpu, isCpu ? size.memory_mib : value);
            }}
            options={values}
          />
        )}
      </Field>
    );
  };
  const free = (option: IOption) => (
    <OptionField
      key={option.keyword}
      id={idOf(option.keyword)}
      option={option}
      wish={wishes.options[option.keyword]}
      usual={form.defaults[option.keyword] ?? usualOf(engine, option.keyword)}
      problem={problemOf(option.keyword)}
      onChange={value => onChange(withOption(wishes, option.keyword, value))}
      trans={trans}
    />
  );
  const options = form.options.filter(one => one.keyword === 'cpu' || one.keyword === 'memory');
  return <>{options.map(option => (size ? select(option) : free(option)))}</>;
}

function usualOf(engine: IEngine, keyword: string): IForm['defaults'][string] | undefined {
  const { cpu, memory_mib } = engine.default;
  const value = keyword === 'cpu' ? cpu : memory_mib === null ? null : sizeText(memory_mib);
  return value === null ? undefined : { value, source: engine.name };
}
