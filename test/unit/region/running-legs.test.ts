import { expect, it } from "vitest";
import { RunningLegs } from "../../../src/region/running-legs.ts";

/** Legs on a clock whose timers fire as it is moved, unless the runtime has ended the request that set them. */
function legs() {
  let now = 0;
  let timers: { at: number; fire: () => void }[] = [];
  const clock = {
    now: () => now,
    wait: (ms: number) =>
      new Promise<void>((fire) => {
        timers.push({ at: now + ms, fire });
      }),
  };
  const pass = async (ms: number) => {
    const end = now + ms;
    for (;;) {
      const due = timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      timers = timers.filter((timer) => timer !== due);
      now = due.at;
      due.fire();
      await new Promise(setImmediate);
    }
    now = end;
  };
  return { running: new RunningLegs(clock), pass, kill: () => void (timers = []) };
}

it("legs run for as long as their requests do", async () => {
  const { running, pass } = legs();
  running.begin("a");
  await pass(600_000);
  expect(running.alive()).toEqual(["a"]);
  running.end("a");
  expect(running.alive()).toEqual([]);
});

it("legs of a request that the runtime has ended do not run for long", async () => {
  const { running, pass, kill } = legs();
  running.begin("a");
  await pass(30_000);
  kill();
  running.begin("b");
  await pass(14_000);
  expect(running.alive()).toEqual(["a", "b"]);
  await pass(7000);
  expect(running.alive()).toEqual(["b"]);
});
