/** What stands where a list has nothing to show: why, and one thing to do about it. */
export function EmptyNote(props: {
  text: string;
  action: string;
  onAction: () => void;
}): JSX.Element {
  return (
    <div className="jp-Flotilla-empty">
      <p>{props.text}</p>
      <button type="button" className="jp-Flotilla-button" onClick={props.onAction}>
        {props.action}
      </button>
    </div>
  );
}
