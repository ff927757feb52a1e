import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { LedgerEntry } from "../../../src/drive/reconcile.ts";

/** A small OpenAI server with receipts and one engine's ledger; answers `ok N` to request number N. */
export async function startFakeOpenAi(behave: Behaviour = {}): Promise<FakeOpenAi> {
  const fake: Omit<FakeOpenAi, "baseUrl" | "close"> = {
    asked: [],
    ledger: [],
    struck: [],
    receiptMisses: new Map(),
  };
  const server = createServer(
    (request, response) => void serve(request, response, fake, behave, origin(server)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { ...fake, baseUrl: `${origin(server)}/v1`, close };
}

export type Behaviour = {
  /** An error's HTTP status and code for this request number. */
  readonly fail?: (n: number) => { status: number; code: string } | undefined;
  /** Ends the stream of this request number before `[DONE]`. */
  readonly cut?: (n: number) => boolean;
  /** What the ledger says of leg `n`, where it differs. */
  readonly ledger?: (n: number) => Partial<LedgerEntry>;
  /** 404s before a receipt is there. */
  readonly receiptMisses?: number;
};

export type Asked = {
  readonly session: string | undefined;
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly stream: boolean;
    readonly stream_options?: { readonly include_usage: boolean };
    readonly max_tokens: number;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
  };
};

export type FakeOpenAi = {
  readonly baseUrl: string;
  readonly asked: Asked[];
  readonly ledger: LedgerEntry[];
  /** Faults set and restarts ordered, as `engine path`. */
  readonly struck: string[];
  readonly receiptMisses: Map<string, number>;
  close(): Promise<void>;
};

const COUNTS = { promptTokens: 100, cachedTokens: 60, computedTokens: 40, outputTokens: 3 };

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  fake: Omit<FakeOpenAi, "baseUrl" | "close">,
  behave: Behaviour,
  home: string,
): Promise<void> {
  const path = request.url ?? "";
  if (path === "/local/emulator") {
    const engines = ["pool/0", "pool/1", "other/0"].map((id) => ({ id, model: id.slice(0, 5) }));
    return json(response, 200, { url: `${home}/engines`, token: "t", engines });
  }
  const admin = /^\/engines\/([^/]+\/\d+)\/admin\/(\w+)$/.exec(path);
  if (admin?.[2] === "ledger")
    return json(response, 200, { entries: admin[1] === "pool/0" ? fake.ledger : [], blocks: 10 });
  if (admin) {
    fake.struck.push(`${admin[1]} ${admin[2]}`);
    return json(response, 200, { ok: true });
  }
  const receipt = /^\/v1\/receipts\/rcpt-(\d+)$/.exec(path)?.[1];
  if (receipt !== undefined) return serveReceipt(response, receipt, fake, behave);
  if (path !== "/v1/chat/completions") return json(response, 404, { error: { code: "not_found" } });

  let text = "";
  for await (const chunk of request) text += String(chunk);
  const n = fake.asked.length;
  const session = request.headers["phaseway-session"]?.toString();
  fake.asked.push({
    session,
    authorization: request.headers.authorization,
    body: JSON.parse(text) as Asked["body"],
  });
  const failure = behave.fail?.(n);
  if (failure) return json(response, failure.status, { error: { code: failure.code } });
  fake.ledger.push({
    requestId: `req-${n}`,
    leg: "both",
    ...COUNTS,
    reportedUsage: true,
    ...behave.ledger?.(n),
  });
  answer(response, n, behave.cut?.(n) ?? false);
}

function answer(response: ServerResponse, n: number, cut: boolean): void {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "phaseway-receipt": `rcpt-${n}`,
    "phaseway-session": "s-1",
    "phaseway-route": 'mode=together, engine="pool/0"',
  });
  const frame = (data: object): unknown => response.write(`data: ${JSON.stringify(data)}\n\n`);
  response.write(": keep-alive\n\n");
  frame({ choices: [{ delta: { role: "assistant", content: "" } }] });
  for (const content of ["ok", " ", String(n)]) frame({ choices: [{ delta: { content } }] });
  if (cut) return void response.end();
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 3,
    prompt_tokens_details: { cached_tokens: 60 },
  };
  frame({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}

function serveReceipt(
  response: ServerResponse,
  n: string,
  { receiptMisses }: Pick<FakeOpenAi, "receiptMisses">,
  behave: Behaviour,
): void {
  const misses = receiptMisses.get(n) ?? 0;
  receiptMisses.set(n, misses + 1);
  if (misses < (behave.receiptMisses ?? 0))
    return json(response, 404, { error: { code: "not_found" } });
  const work = [
    { engine: "pool/0", leg: "both", requestId: `req-${n}`, outcome: "served", ...COUNTS },
  ];
  return json(response, 200, {
    id: `rcpt-${n}`,
    session: "s-1",
    mode: "together",
    promptTokens: 100,
    work,
  });
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function origin(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
