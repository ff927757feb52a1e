import { describe, expect, it } from "vitest";
import { callObject } from "../../../src/rpc/call-object.ts";

const atOnce = { random: () => 0 };

describe("calling an object", () => {
  it("answers with what the object said", async () => {
    const { factory } = stubs(async () => "yes");
    expect(await callObject(factory, (stub) => stub())).toEqual({ kind: "answered", value: "yes" });
  });

  it("tries once more, with a fresh stub, when the platform says so", async () => {
    const { factory, made } = stubs(failing({ retryable: true }), async () => "yes");
    const outcome = await callObject(factory, (stub) => stub(), atOnce);
    expect(outcome).toEqual({ kind: "answered", value: "yes" });
    expect(made()).toBe(2);
  });

  it("gives up after the second failure", async () => {
    const fails = failing({ retryable: true });
    const { factory, made } = stubs(fails, fails, async () => "yes");
    const outcome = await callObject(factory, (stub) => stub(), atOnce);
    expect(outcome).toEqual({ kind: "lost", why: "failed", message: "broken" });
    expect(made()).toBe(2);
  });

  it("leaves an overloaded object alone, and one whose own code threw", async () => {
    for (const [flags, why] of [
      [{ retryable: true, overloaded: true }, "overloaded"],
      [{ remote: true }, "failed"],
    ] as const) {
      const { factory, made } = stubs(failing(flags), async () => "yes");
      expect(await callObject(factory, (stub) => stub(), atOnce)).toMatchObject({ why });
      expect(made()).toBe(1);
    }
  });

  it("does not wait longer than it was told to", async () => {
    const { factory } = stubs(() => new Promise<string>(() => {}));
    const outcome = await callObject(factory, (stub) => stub(), { timeoutMs: 1 });
    expect(outcome).toMatchObject({ kind: "lost", why: "timeout" });
  });
});

type Stub = () => Promise<string>;

function stubs(...each: Stub[]) {
  let count = 0;
  const factory = (): Stub => {
    const stub = each[count];
    count += 1;
    if (!stub) throw new Error("more stubs asked for than the test has");
    return stub;
  };
  return { factory, made: () => count };
}

function failing(flags: Record<string, boolean>): Stub {
  return () => Promise.reject(Object.assign(new Error("broken"), flags));
}
