/** A filter that is on or off. */
export interface IChip {
  key: string;
  label: string;
  title: string;
  isOn: boolean;
  isDisabled?: boolean;
}

/** Filters to switch on and off. */
export function Chips(props: {
  label: string;
  chips: IChip[];
  onToggle: (key: string) => void;
}): JSX.Element {
  return (
    <div className="jp-Flotilla-chips" role="group" aria-label={props.label}>
      {props.chips.map(chip => (
        <button
          key={chip.key}
          type="button"
          className="jp-Flotilla-chip"
          aria-pressed={chip.isOn}
          disabled={chip.isDisabled}
          title={chip.title}
          onClick={() => props.onToggle(chip.key)}
        >
          {chip.label}
        </button>
      ))}
    </div>
  );
}
