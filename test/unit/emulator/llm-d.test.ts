import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EmulatedFleet } from "../../support/emulated-fleet.ts";

const PREFILL = "p/0";
const DECODE = "d/0";
const GATEWAY = "g/0";
const LONG = "What is said here is said four letters at a time. ".repeat(80);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an emulated llm-d decode engine", () => {
  it.each(["10.0.0.7:8200", "p/0:9100", "10.0.0.7:8200, 10.0.0.8:8200"])(
    "has the prompt prefilled at %s and goes on from there",
    async (hostPort) => {
      const fleet = pair();
      const alone = await told(fleet.ask(DECODE, chat("told")));
      const split = await told(fleet.ask(DECODE, chat("told"), named(hostPort)));
      expect(split.text).toBe(alone.text);
      const { promptTokens } = (await fleet.ledger(PREFILL)).entries[0] ?? { promptTokens: 0 };
      expect((await fleet.ledger(PREFILL)).entries).toMatchObject([
        { leg: "prefill", requestId: "req_7", computedTokens: promptTokens, outputTokens: 1 },
      ]);
      expect((await fleet.ledger(DECODE)).entries[1]).toMatchObject({ leg: "decode" });
      expect(await fleet.ledger(PREFILL)).toMatchObject({ leasedBlocks: 0, blocksHeld: 0 });
    },
  );

  it("computes nothing of a prompt that was prefilled, and tells prefill's cached tokens", async () => {
    const fleet = pair();
    const ask = () => told(fleet.ask(DECODE, chat(), named("10.0.0.7:8200")));
    const first = await ask();
    const [entry] = (await fleet.ledger(DECODE)).entries;
    expect(entry?.computedTokens).toBe(1);
    expect(entry?.pulledTokens).toBeGreaterThan(900);
    expect(first.cached).toBeUndefined();
    const second = await ask();
    const [, prefill] = (await fleet.ledger(PREFILL)).entries;
    expect(second.cached).toBe(prefill?.cachedTokens);
    expect(prefill?.cachedTokens).toBeGreaterThan(900);
  });

  it("streams a split too, though its prefill leg is whole", async () => {
    const fleet = pair();
    const stream = { stream: true, stream_options: { include_usage: true } };
    const response = fleet.ask(DECODE, chat(LONG, stream), named("10.0.0.7:8200"));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await (await response).text()).toMatch(/"finish_reason":"length".*\[DONE\]/s);
    expect((await fleet.ledger(PREFILL)).entries).toMatchObject([{ outputTokens: 1 }]);
  });

  it.each(["evil.example:80", "10.0.0.9:8200", "q/0:9100", ""])(
    "asks no engine that it does not know: %j",
    async (hostPort) => {
      const fleet = pair();
      const response = await fleet.ask(DECODE, chat(), named(`${hostPort},10.0.0.7:8200`));
      expect(response.status).toBe(403);
      expect(await response.text()).toContain("SSRF");
      expect((await fleet.ledger(DECODE)).entries).toEqual([]);
    },
  );

  it.each([400, 429, 451])("answers what its prefill engine refused with %d", async (status) => {
    const fleet = pair();
    await fleet.admin(PREFILL, "faults", { fault: "status", status });
    const response = await fleet.ask(DECODE, chat(), named("10.0.0.7:8200"));
    expect(response.status).toBe(status);
    expect(await response.text()).toContain("Told to fail.");
    expect((await fleet.ledger(DECODE)).entries).toEqual([]);
  });

  it.each([
    [{ fault: "status", status: 500 }, "10.0.0.7:8200"],
    [{ fault: "status", status: 503 }, "10.0.0.7:8200"],
    [{ fault: "refuse" }, "10.0.0.7:8200"],
    [{ fault: "isolated" }, "10.0.0.7:8200"],
    [{ fault: "none" }, "10.0.0.7:9999"],
  ])("computes the prompt itself after %j at %s", async (fault, hostPort) => {
    const fleet = pair();
    await fleet.admin(PREFILL, "faults", fault);
    const answer = await told(fleet.ask(DECODE, chat(), named(hostPort)));
    expect(answer.status).toBe(200);
    const [entry] = (await fleet.ledger(DECODE)).entries;
    expect(entry).toMatchObject({ leg: "both", pulledTokens: 0, status: "done" });
    expect(entry?.computedTokens).toBeGreaterThan(900);
  });

  it("leaves its prefill leg when its caller leaves", async () => {
    const fleet = pair();
    const client = new AbortController();
    const init = { ...named("10.0.0.7:8200"), signal: client.signal };
    const leaving = fleet.ask(DECODE, chat(), init).catch(() => "left");
    await vi.advanceTimersByTimeAsync(20);
    expect(await fleet.ledger(PREFILL)).toMatchObject({ open: 1 });
    client.abort();
    expect(await leaving).toBe("left");
    expect(await fleet.ledger(PREFILL)).toMatchObject({ open: 0, blocksHeld: 0 });
    expect(await fleet.ledger(DECODE)).toMatchObject({ open: 0, blocksHeld: 0 });
  });
});

describe("an emulated llm-d gateway", () => {
  const ask = (headers: Record<string, string>, sheds = "nothing") => {
    const fleet = pair();
    return fleet
      .admin(GATEWAY, "settings", { sheds })
      .then(() => fleet.ask(GATEWAY, chat(), { headers }));
  };

  it.each([
    { "x-slo-ttft-ms": "soon" },
    { "x-llm-d-slo-tpot-ms": "-1" },
    { "x-gateway-inference-objective": "Not A Name" },
  ])("refuses headers that are malformed: %j", async (headers) => {
    const response = await ask(headers);
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/^inference error: BadRequest - /);
  });

  it("takes headers that are well-formed", async () => {
    const headers = {
      "x-slo-ttft-ms": "2000",
      "x-gateway-inference-objective": "interactive",
      "x-llm-d-inference-fairness-id": "0123",
    };
    const answering = ask(headers, "sheddable");
    await vi.advanceTimersByTimeAsync(1000);
    expect((await answering).status).toBe(200);
  });

  it("drops what it may while it is saturated, and says why", async () => {
    const response = await ask({ "x-llm-d-inference-objective": "batch" }, "sheddable");
    expect(response.status).toBe(429);
    expect(response.headers.get("x-llm-d-request-dropped-reason")).toBe("rejected-saturated");
    expect((await ask({}, "all")).status).toBe(429);
  });
});

/** Two prefill engines at hosts of their own, a decode engine, a prefill engine without a link, and a gateway. */
function pair(): EmulatedFleet {
  const dialect = "llm-d";
  const at = (bootstrapHost: string) => ({ bootstrapHost, bootstrapPort: 8200 });
  return new EmulatedFleet(
    {
      p: { dialect, roles: ["prefill"], perEngine: at("10.0.0.7") },
      p2: { dialect, roles: ["prefill"], perEngine: at("10.0.0.8") },
      q: { dialect, roles: ["prefill"], perEngine: at("10.0.0.9") },
      d: { dialect, roles: ["decode"] },
      g: { dialect, roles: ["prefill", "decode"], more: { routed: "itself" } },
    },
    [
      { from: "p", to: "d" },
      { from: "p2", to: "d" },
    ],
  );
}

function chat(content = LONG, more: object = {}): object {
  const long = content === LONG ? content : LONG + content;
  return { model: "small", messages: [{ role: "user", content: long }], max_tokens: 8, ...more };
}

function named(hostPort: string): RequestInit {
  return { headers: { "x-prefiller-host-port": hostPort, "x-request-id": "req_7" } };
}

async function told(answering: Promise<Response>) {
  await vi.advanceTimersByTimeAsync(1000);
  const response = await answering;
  const body = (await response.json()) as {
    readonly choices: readonly [{ readonly message: { readonly content: string } }];
    readonly usage: { readonly prompt_tokens_details?: { readonly cached_tokens: number } };
  };
  return {
    status: response.status,
    text: body.choices[0].message.content,
    cached: body.usage.prompt_tokens_details?.cached_tokens,
  };
}
