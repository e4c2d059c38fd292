import type { CSSProperties } from 'react';
import type { IStyle } from '../logs/ansi';
import { classesOf, coloursOf, parseAnsi, PLAIN } from '../logs/ansi';
import { marked } from '../logs/marks';

/** Return exact colours so that text in them can be read in a light theme and in a dark one. */
function readable(colours: ReturnType<typeof coloursOf>): CSSProperties {
  const { color, backgroundColor } = colours;
  if (color && !backgroundColor) {
    return { color: `color-mix(in srgb, ${color} 60%, var(--jp-content-font-color1))` };
  }
  return colours;
}

/** A line with its colours, and with what is searched for marked. */
export function AnsiText(props: {
  text: string;
  style?: IStyle;
  search?: string;
}): JSX.Element {
  const { text, style = PLAIN, search = '' } = props;
  const pieces = marked(parseAnsi(text, style), search);
  return (
    <>
      {pieces.map((piece, at) => {
        if (piece.style === PLAIN && !piece.isHit) {
          return piece.text;
        }
        const Tag = piece.isHit ? 'mark' : 'span';
        return (
          <Tag key={at} className={classesOf(piece.style)} style={readable(coloursOf(piece.style))}>
            {piece.text}
          </Tag>
        );
      })}
    </>
  );
}
