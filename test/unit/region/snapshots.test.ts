import { describe, expect, it } from "vitest";
import { Snapshots } from "../../../src/region/snapshots.ts";
import { view } from "../plan/plan-fixtures.ts";

describe("a region's snapshot", () => {
  it("tells how long an engine is left alone, less the time since", () => {
    const snapshots = new Snapshots();
    const resting = view("h200/0", { healthy: false, opensInMs: 3000, rests: true });
    snapshots.keep("iad", { engines: [resting] }, 1000);
    const at = (nowMs: number) => snapshots.over("iad", [view("h200/0")], nowMs)[0];
    expect(at(1500)).toMatchObject({ healthy: false, opensInMs: 2500, rests: true });
    expect(at(5000)).toMatchObject({ opensInMs: 0 });
  });

  it("leaves what this isolate knows where the region says nothing of it", () => {
    const snapshots = new Snapshots();
    snapshots.keep("iad", { engines: [view("h200/0", { healthy: false })] }, 1000);
    const own = view("h200/0", { opensInMs: 700, rests: true });
    expect(snapshots.over("iad", [own], 1000)[0]).toMatchObject({ opensInMs: 700, rests: true });
  });
});
