import type { FlotillaError } from '../api';
import type { FieldKey } from './errors';
import { fieldOf, optionField } from './errors';
import type { ILaunchSnapshot } from './model';
import { optionsOf } from './options';

const PARTS = ['resources', 'limits', 'grid', 'more'] as const;

/** Errors that are beside a field, by that field. */
export type Errors = { readonly [field: FieldKey]: FlotillaError };

/** Return what the server has found wrong, newest first. */
function found({ progress, planned, formError, times }: ILaunchSnapshot): FlotillaError[] {
  const failed = progress.step === 'failed' ? progress.error : null;
  const errors = [failed, times.error, planned.error, formError].filter(error => error !== null);
  // a launch often fails for the reason that the plan has given already
  return errors.filter((error, at) => errors.findIndex(o => o.message === error.message) === at);
}

function fieldOfError(error: FlotillaError, shown: ILaunchSnapshot): FieldKey | null {
  const { form, engine, options, parameters, timing, times } = shown;
  const field = fieldOf(error, {
    options: form
      ? [
          ...(timing ? form.schedule_options : []),
          ...form.options.filter(option => ['cpu', 'memory'].includes(option.keyword)),
          ...PARTS.flatMap(part => optionsOf(form, engine, part))
        ]
      : [],
    parameters: (form?.parameters ?? []).map(parameter => parameter.name),
    engines: (form?.engines ?? []).map(one => one.name),
    sent: { ...timing?.fields, ...options, ...parameters.params }
  });
  const isOfTimes = error.message === times.error?.message;
  return field ?? (isOfTimes ? optionField('when') : null);
}

/** Return the errors that belong beside fields. */
export function errorsByField(shown: ILaunchSnapshot): Errors {
  const errors: { [field: FieldKey]: FlotillaError } = {};
  for (const error of found(shown)) {
    const field = fieldOfError(error, shown);
    if (field !== null && !(field in errors)) {
      errors[field] = error;
    }
  }
  return errors;
}

/** Return the error that belongs to no field: it stands at the button; null: there is none. */
export function shownError(shown: ILaunchSnapshot, errors: Errors): FlotillaError | null {
  const beside = Object.values(errors);
  // that the form could not be had stands where the form would be
  const said = shown.formError?.message;
  const left = found(shown).filter(error => !beside.includes(error) && error.message !== said);
  return left[0] ?? null;
}
