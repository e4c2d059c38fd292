import { useLayoutEffect, useRef } from 'react';
import { useHost } from '../host';

/** Longer code, in characters, has no colours: to find them would take too long. */
const MOST = 50_000;

/** Source code, with the application's own colours where it knows the language. */
export function Code(props: { code: string; language: string }): JSX.Element {
  const { code, language } = props;
  const { languages } = useHost();
  const place = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    const element = place.current!;
    let isWanted = true;
    element.textContent = code;
    const known = language && code.length < MOST ? languages?.findBest(language) : null;
    if (languages && known) {
      const drawn = document.createElement('pre');
      languages.highlight(code, known, drawn).then(
        () => isWanted && element.replaceChildren(...drawn.childNodes),
        () => undefined // it stays without colours
      );
    }
    return () => {
      isWanted = false;
    };
  }, [code, language, languages]);
  return <pre className="jp-Flotilla-code cm-s-jupyter" ref={place} />;
}
