import { describe, expect, it } from "vitest";
import { readBody } from "../../../src/http/read-body.ts";

/** A request whose body comes in chunks of these sizes; `read` counts what was taken, `left` tells that the rest was not wanted. */
function sending(sizes: readonly number[], declared?: number) {
  const seen = { read: 0, left: false };
  const waiting = [...sizes];
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const size = waiting.shift();
        if (size === undefined) return controller.close();
        seen.read += size;
        controller.enqueue(new Uint8Array(size).fill(7));
      },
      cancel() {
        seen.left = true;
      },
    },
    { highWaterMark: 0 },
  );
  const headers: Record<string, string> =
    declared === undefined ? {} : { "content-length": String(declared) };
  const init = { method: "POST", body, headers, duplex: "half" as const };
  return { request: new Request("https://edge.test/", init), seen };
}

describe("readBody", () => {
  it.each([undefined, 9])("reads what fits, its length declared as %s", async (declared) => {
    const { request } = sending([4, 5], declared);
    expect(await readBody(request, 9)).toEqual(new Uint8Array(9).fill(7));
  });

  it.each([undefined, 9])("notices a client that leaves in the middle: %s", async (declared) => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(4)),
      pull: (controller) => controller.error(new TypeError("Network connection lost.")),
    });
    const headers = declared === undefined ? {} : { "content-length": String(declared) };
    const init = { method: "POST", body, headers, duplex: "half" as const };
    expect(await readBody(new Request("https://edge.test/", init as RequestInit), 9)).toBe(
      "cut-off",
    );
  });

  it("takes no body for an empty one", async () => {
    const request = new Request("https://edge.test/", { method: "POST" });
    expect(await readBody(request, 9)).toEqual(new Uint8Array());
  });

  it.each([undefined, 12])(
    "lets a client finish that sends a little too much: %s",
    async (declared) => {
      const { request, seen } = sending([4, 4, 4], declared);
      expect(await readBody(request, 9)).toBe("too-large");
      expect(seen).toEqual({ read: 12, left: false });
    },
  );

  it("stops a client that sends far too much", async () => {
    const endless = sending(Array.from({ length: 1000 }, () => 4));
    expect(await readBody(endless.request, 9)).toBe("too-large");
    expect(endless.seen.left).toBe(true);
    expect(endless.seen.read).toBeLessThan(40);
    const declared = sending([4], 1e12);
    expect(await readBody(declared.request, 9)).toBe("too-large");
    expect(declared.seen).toEqual({ read: 0, left: true });
  });
});
