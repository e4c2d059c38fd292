import { useEffect, useState } from 'react';
import { DetailModel } from '../detail/detail_model';
import type { RunsModel } from '../runs';
import type { IRunDetail } from '../wire';

/**
 * Return all that is known of a run while that is wanted, what was last known after that; null: it
 * cannot be had, undefined: it was not yet.
 */
export function useDetail(
  model: RunsModel,
  runId: string,
  isWanted: boolean
): IRunDetail | null | undefined {
  const [detail, setDetail] = useState<IRunDetail | null>();
  useEffect(() => {
    if (!isWanted) {
      return;
    }
    const asked = new DetailModel(model, runId);
    asked.changed.connect(() => {
      const { detail: found, error } = asked.snapshot();
      setDetail(found ?? (error ? null : undefined));
    });
    void asked.refresh();
    return () => asked.dispose();
  }, [model, runId, isWanted]);
  return detail;
}
