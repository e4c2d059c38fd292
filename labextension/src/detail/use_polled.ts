import { useEffect, useSyncExternalStore } from 'react';
import type { Polled } from './polled';
import type { Visibility } from './visible';

/** Fetch something when it is shown, again while it grows, and once more when it has ended. */
export function usePolled<T>(
  polled: Polled<T>,
  isGrowing: boolean,
  visibility: Visibility
): void {
  const isVisible = useSyncExternalStore(visibility.subscribe, visibility.get);
  useEffect(() => {
    void polled.refresh();
  }, [polled, isGrowing]);
  useEffect(() => {
    polled.setActive(isGrowing && isVisible);
    return () => polled.setActive(false);
  }, [polled, isGrowing, isVisible]);
}
