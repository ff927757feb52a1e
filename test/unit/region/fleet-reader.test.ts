import { describe, expect, it } from "vitest";
import { FleetReader } from "../../../src/region/fleet-reader.ts";
import { Snapshots } from "../../../src/region/snapshots.ts";
import type { FleetReadReply } from "../../../src/rpc/fleet-messages.ts";
import { view } from "../plan/plan-fixtures.ts";

describe("an isolate that reads what regions tell", () => {
  it("reads at most once a second while it has traffic", () => {
    const { turn, reads } = isolate();
    for (let ms = 0; ms < 5000; ms += 10) turn(ms);
    expect(reads.length).toBe(5);
  });

  it("reads at most once in five turns, however far apart they are", () => {
    const { turn, reads } = isolate();
    for (let n = 0; n < 20; n += 1) turn(n * 3000);
    expect(reads.length).toBe(4);
  });

  it("knows a region's engines, as old as they were when they were told", async () => {
    const { turn, snapshots } = isolate();
    await turn(10_000);
    expect(snapshots.ageMs("iad", 10_000)).toBe(700);
    const [seen] = snapshots.over("iad", [view("h200/0")], 10_000);
    expect(seen).toMatchObject({ batch: 7 });
  });

  it("keeps what it was told later by the region itself", async () => {
    const { turn, snapshots } = isolate();
    snapshots.keep("iad", { engines: [view("h200/0", { batch: 9 })] }, 9800);
    await turn(10_000);
    expect(snapshots.over("iad", [view("h200/0")], 10_000)[0]).toMatchObject({ batch: 9 });
  });

  it.each<[string, () => Promise<FleetReadReply>]>([
    ["is lost", () => Promise.reject(new Error("reset"))],
    ["is of another version", async () => ({ ok: false, v: 1, code: "unknown_version" })],
  ])("goes on where the object %s", async (_, read) => {
    const { turn, snapshots } = isolate(read);
    await turn(10_000);
    expect(snapshots.ageMs("iad", 10_000)).toBe(Infinity);
  });
});

/** An isolate of some mesh, and the reads it made. */
function isolate(read: () => Promise<FleetReadReply> = told) {
  const snapshots = new Snapshots();
  const reads: unknown[] = [];
  const time = { ms: 0 };
  const clock = { now: () => time.ms, wait: () => Promise.resolve() };
  const reader = new FleetReader(clock, "mesh-1", snapshots);
  const stub = {
    push: () => Promise.reject(new Error("isolates do not push")),
    read(ask: unknown) {
      reads.push(ask);
      return read();
    },
  };
  const turn = async (ms: number) => {
    time.ms = ms;
    const work: Promise<unknown>[] = [];
    reader.onTurn(
      () => stub,
      (one) => work.push(one),
    );
    await Promise.all(work);
  };
  return { snapshots, reads, turn };
}

async function told(): Promise<FleetReadReply> {
  const engines = [view("h200/0", { batch: 7 })];
  return { ok: true, v: 1, told: [{ shard: "iad", ageMs: 700, snapshot: { engines } }] };
}
