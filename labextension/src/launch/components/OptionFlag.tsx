import type { IControlProps } from './Field';
import type { IOptionFieldProps } from './OptionField';

/** The control of an option that is on or off; sent only where it is not so anyway. */
export function OptionFlag(props: IOptionFieldProps & { control: IControlProps }): JSX.Element {
  const { wish, usual, control, onChange } = props;
  const isOnByDefault = usual?.value === true;
  return (
    <input
      {...control}
      type="checkbox"
      className="jp-mod-styled"
      checked={typeof wish === 'boolean' ? wish : isOnByDefault}
      onChange={({ target }) =>
        onChange(target.checked === isOnByDefault ? undefined : target.checked)
      }
    />
  );
}
