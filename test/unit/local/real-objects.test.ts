import { describe, expect, it } from "vitest";
import { realObjects } from "../../../workers/local/real-objects.ts";

/** A namespace of objects that count their calls. */
function namespaceOf(calls: string[]) {
  const stub = (id: string) => ({ id, ping: (text: string) => void calls.push(`${id} ${text}`) });
  return { get: stub, getByName: stub, idFromName: (name: string) => name };
}

describe("objects as they are once deployed", () => {
  it("take the calls meant for them, with their arguments", async () => {
    const calls: string[] = [];
    const objects = realObjects(() => 0)(namespaceOf(calls), 0);
    await objects.get(objects.idFromName("a")).ping("1");
    await objects.getByName("b").ping("2");
    expect(calls).toEqual(["a 1", "b 2"]);
  });

  it("are overloaded past a thousand calls a second, each by itself, and well again in the next", async () => {
    let nowMs = 0;
    const calls: string[] = [];
    const objects = realObjects(() => nowMs)(namespaceOf(calls), 0);
    for (let i = 0; i < 1000; i += 1) await objects.get("a").ping("");
    await expect(objects.get("a").ping("")).rejects.toMatchObject({ overloaded: true });
    await objects.get("b").ping("");
    nowMs = 1000;
    await objects.get("a").ping("");
    expect(calls).toHaveLength(1002);
  });
});
