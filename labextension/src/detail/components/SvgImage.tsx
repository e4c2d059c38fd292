import { useHost } from '../host';

const SVG = 'image/svg+xml';

/** An SVG as an image: no script, no handler and no address in it does anything. */
export function SvgImage(props: { source: string }): JSX.Element {
  const { trans } = useHost();
  const address = `data:${SVG};charset=utf-8,${encodeURIComponent(wellFormed(props.source))}`;
  return <img className="jp-Flotilla-image" src={address} alt={trans.__('An SVG image')} />;
}

/** Half a surrogate pair cannot be encoded. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '�');
}
