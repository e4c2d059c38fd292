/** Why nobody would wake schedules, and what to do: said plainly, and not as an error. */
export function WakingNote(props: { text: string }): JSX.Element {
  return (
    <div className="jp-Flotilla-note" data-kind="waking" role="note">
      <p>{props.text}</p>
    </div>
  );
}
