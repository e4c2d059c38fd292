import type { RefObject } from 'react';
import { useEffect, useState } from 'react';

const onSight = new Map<Element, (isSeen: boolean) => void>();
let observer: IntersectionObserver | null = null;

/** One for all cards: each one of its own would cost as much as the card. */
function theObserver(): IntersectionObserver {
  observer ??= new IntersectionObserver(entries =>
    entries.forEach(entry => onSight.get(entry.target)?.(entry.isIntersecting))
  );
  return observer;
}

/** Say whether an element is in sight; true where the browser cannot tell. */
export function useSeen(place: RefObject<Element>): boolean {
  const canTell = typeof IntersectionObserver !== 'undefined';
  const [isSeen, setSeen] = useState(!canTell);
  useEffect(() => {
    const element = place.current;
    if (!canTell || element === null) {
      return;
    }
    onSight.set(element, setSeen);
    theObserver().observe(element);
    return () => {
      onSight.delete(element);
      theObserver().unobserve(element);
    };
  }, [canTell, place]);
  return isSeen;
}
