import type { TranslationBundle } from '@jupyterlab/translation';
import type { IForm } from '../../wire';
import { optionField, parameterField } from '../errors';
import type { ILaunchSnapshot, LaunchModel } from '../model';
import type { Part as PartName } from '../options';
import { optionsOf, readPart } from '../options';
import { withOption } from '../wishes';
import type { IFieldProblem } from './Problem';
import { OptionField } from './OptionField';
import { ParameterFields } from './ParameterFields';
import { Part } from './Part';
import { SizeFields } from './SizeFields';
import { WhereFields } from './WhereFields';

export interface ISettingsProps {
  idPrefix: string;
  form: IForm;
  shown: ILaunchSnapshot;
  model: LaunchModel;
  problemAt: (field: string) => IFieldProblem | null;
  trans: TranslationBundle;
}

/** Where it runs, how large, how long and with which values: all that the server's form names. */
export function Settings(props: ISettingsProps): JSX.Element {
  const { idPrefix, form, shown, model, problemAt, trans } = props;
  const { engine, wishes, parameters, subject } = shown;
  const problemOfOption = (keyword: string) => problemAt(optionField(keyword));
  const fieldsOf = (part: PartName, isHelpShown = false) =>
    optionsOf(form, engine, part).map(option => (
      <OptionField
        key={option.keyword}
        id={`${idPrefix}${option.keyword}`}
        option={option}
        wish={wishes.options[option.keyword]}
        usual={form.defaults[option.keyword]}
        problem={problemOfOption(option.keyword)}
        isHelpShown={isHelpShown}
        onChange={value => model.wish(withOption(wishes, option.keyword, value))}
        trans={trans}
      />
    ));
  const more = optionsOf(form, engine, 'more');
  const isMoreWrong = more.some(option => problemOfOption(option.keyword) !== null);
  const count = Object.keys(readPart(form, engine, wishes, 'more')).length;
  return (
    <>
      <WhereFields
        idPrefix={idPrefix}
        form={form}
        engine={engine}
        profile={String(wishes.options['profile'] ?? '')}
        problem={problemAt('engine')}
        profileProblem={problemOfOption('profile')}
        onEngine={name => model.wish({ ...wishes, engine: name })}
        onProfile={name => model.wish(withOption(wishes, 'profile', name))}
        onCheck={() => void model.reload()}
        trans={trans}
      />
      <fieldset className="jp-Flotilla-fields">
        <legend>{trans.__('Resources')}</legend>
        {engine && (
          <SizeFields
            idOf={keyword => `${idPrefix}${keyword}`}
            form={form}
            engine={engine}
            wishes={wishes}
            problemOf={problemOfOption}
            onChange={changed => model.wish(changed)}
            trans={trans}
          />
        )}
        {fieldsOf('resources')}
      </fieldset>
      <fieldset className="jp-Flotilla-fields">
        <legend>{trans.__('Limits')}</legend>
        {fieldsOf('limits')}
      </fieldset>
      {form.parameters && subject.choice !== 'cells' && (
        <ParameterFields
          idOf={name => `${idPrefix}parameter-${name}`}
          parameters={form.parameters}
          read={parameters}
          wishes={wishes}
          problemOf={name => problemAt(parameterField(name))}
          onChange={changed => model.wish(changed)}
          trans={trans}
        >
          {fieldsOf('grid')}
        </ParameterFields>
      )}
      <Part
        title={trans.__('More')}
        note={count ? trans.__('%1 set', count) : undefined}
        // what is wrong must be seen
        isOpen={isMoreWrong || shown.open.includes('more')}
        onOpen={isOpen => model.setOpen('more', isOpen)}
      >
        <div className="jp-Flotilla-fields" data-described="true">
          {fieldsOf('more', true)}
        </div>
      </Part>
    </>
  );
}
