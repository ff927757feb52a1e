import type { Clock } from "../../clock.ts";

const INTERVAL_MS = 5000;
const MISSES = 2;

/** Asks every 5 emulated seconds until the answer was no twice in a row, then tells; gives what stops it. */
export function heartbeat(
  clock: Clock,
  isAlive: () => Promise<boolean>,
  lost: () => void,
): () => void {
  let isOn = true;
  let missed = 0;
  const beat = async (): Promise<void> => {
    missed = (await isAlive()) ? 0 : missed + 1;
    if (!isOn) return;
    if (missed < MISSES) stopTimer = clock.after(INTERVAL_MS, () => void beat());
    else lost();
  };
  let stopTimer = clock.after(INTERVAL_MS, () => void beat());
  return () => {
    isOn = false;
    stopTimer();
  };
}
