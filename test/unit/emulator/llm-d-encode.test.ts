import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EmulatedFleet } from "../../support/emulated-fleet.ts";

const ENCODERS = ["e/0", "e/1"] as const;
const PREFILL = "p/0";
const DECODE = "d/0";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an emulated llm-d engine that is told who encodes", () => {
  it("has the nth picture encoded by the nth of them, before it answers", async () => {
    const fleet = seeing();
    const response = await answered(fleet.ask(DECODE, showing("a", "b", "c"), named("e/0,e/1")));
    expect(response.status).toBe(200);
    expect(await encodedBy(fleet)).toEqual([2, 1]);
    expect((await fleet.ledger(DECODE)).entries).toMatchObject([{ leg: "both", status: "done" }]);
    expect((await fleet.ledger("e/0")).entries, "it computes no prompt").toEqual([]);
  });

  it("has it encoded before the prompt is prefilled elsewhere", async () => {
    const fleet = seeing();
    const headers = { ...named("e/1").headers, "x-prefiller-host-port": PREFILL };
    const response = await answered(fleet.ask(DECODE, showing("a"), { headers }));
    expect(response.status).toBe(200);
    expect(await encodedBy(fleet)).toEqual([0, 1]);
    expect((await fleet.ledger(PREFILL)).entries).toMatchObject([{ leg: "prefill" }]);
    expect((await fleet.ledger(DECODE)).entries).toMatchObject([{ leg: "decode" }]);
  });

  it("counts what was encoded before", async () => {
    const fleet = seeing();
    for (const data of ["a", "a", "b"]) {
      await answered(fleet.ask(DECODE, showing(data), named("e/0")));
    }
    expect(await fleet.ledger("e/0")).toMatchObject({ encodedMedia: 3, cachedMedia: 1 });
  });

  it.each(["evil.example:80", "d/0", "far/0", "p/0", "evil.example:80,far/0"])(
    "has nothing encoded at %s, which may not, and goes on by itself",
    async (list) => {
      const fleet = seeing();
      const response = await answered(fleet.ask(DECODE, showing("a"), named(list)));
      expect(response.status).toBe(200);
      expect(await encodedBy(fleet)).toEqual([0, 0]);
      expect(await fleet.ledger("far/0")).toMatchObject({ encodedMedia: 0 });
      expect((await fleet.ledger(DECODE)).entries).toMatchObject([{ leg: "both", status: "done" }]);
    },
  );

  it("leaves out of a list who may not", async () => {
    const fleet = seeing();
    await answered(fleet.ask(DECODE, showing("a"), named("evil.example:80, e/1")));
    expect(await encodedBy(fleet)).toEqual([0, 1]);
  });

  it("bothers nobody for text", async () => {
    const fleet = seeing();
    await answered(fleet.ask(DECODE, showing(), named("e/0")));
    expect(await encodedBy(fleet)).toEqual([0, 0]);
  });

  it.each([
    [{ fault: "status", status: 500 }, "status 500: "],
    [{ fault: "status", status: 404 }, "status 404: "],
    [{ fault: "isolated" }, "status 502: "],
  ])("fails where encoding did, and does nothing else: %j", async (fault, told) => {
    const fleet = seeing();
    await fleet.admin("e/1", "faults", fault);
    const response = await answered(fleet.ask(DECODE, showing("a", "b"), named("e/0,e/1")));
    expect(response.status).toBe(502);
    expect(await response.text()).toContain(`encoder request failed for item 1 with ${told}`);
    expect((await fleet.ledger(DECODE)).entries).toEqual([]);
  });
});

describe("an emulated llm-d engine that encodes", () => {
  it("does nothing else", async () => {
    const response = await seeing().ask("e/0", showing());
    expect(response.status).toBe(400);
  });
});

/** Engines that encode, here and elsewhere, one that prefills and one that decodes. */
function seeing(): EmulatedFleet {
  const dialect = "llm-d";
  return new EmulatedFleet(
    {
      e: { dialect, roles: ["encode"], engines: 2, kvTokens: 0 },
      far: { dialect, roles: ["encode"], more: { region: "far" } },
      p: { dialect, roles: ["prefill"] },
      d: { dialect, roles: ["decode"] },
    },
    [{ from: "p", to: "d" }],
  );
}

function showing(...pictures: readonly string[]): object {
  const shown = pictures.map((data) => ({
    type: "image_url",
    image_url: { url: `data:image/png;base64,${data}` },
  }));
  const content = [{ type: "text", text: "What is this?" }, ...shown];
  return { model: "small", messages: [{ role: "user", content }], max_tokens: 4 };
}

function named(list: string) {
  return { headers: { "x-encoder-hosts-ports": list } };
}

async function answered(answering: Promise<Response>): Promise<Response> {
  await vi.advanceTimersByTimeAsync(2000);
  return answering;
}

async function encodedBy(fleet: EmulatedFleet): Promise<number[]> {
  const ledgers = await Promise.all(ENCODERS.map((name) => fleet.ledger(name)));
  return ledgers.map(({ encodedMedia }) => encodedMedia);
}
