import type { ISpan } from './ansi';

/** A piece of a line that looks the same and is, or is not, what was searched for. */
export interface IMarked extends ISpan {
  isHit: boolean;
}

/** Return the pieces of a line with all places apart where a text is, in any case of letters. */
export function marked(spans: readonly ISpan[], wanted: string): IMarked[] {
  const whole = spans.map(span => span.text).join('');
  const needle = wanted.toLowerCase();
  const folded = whole.toLowerCase();
  // where lower case has another length, places would be wrong: then nothing is marked
  if (!needle || folded.length !== whole.length) {
    return spans.map(span => ({ ...span, isHit: false }));
  }
  const pieces: IMarked[] = [];
  let begin = 0;
  let hit = folded.indexOf(needle);
  for (const span of spans) {
    const end = begin + span.text.length;
    let at = begin;
    while (at < end) {
      while (hit >= 0 && hit + needle.length <= at) {
        hit = folded.indexOf(needle, hit + needle.length);
      }
      const isHit = hit >= 0 && hit <= at;
      const stop = Math.min(end, hit < 0 ? end : isHit ? hit + needle.length : hit);
      pieces.push({ text: whole.slice(at, stop), style: span.style, isHit });
      at = stop;
    }
    begin = end;
  }
  return pieces;
}
