import { seededRandom } from "../../../src/core/random.ts";
import { type BenchMesh, startBenchMesh } from "./bench-mesh.ts";
import { ask } from "./client.ts";
import { text } from "./prompts.ts";
import { syntheticMesh } from "./synthetic-mesh.ts";
import { spreadOf, type Spread } from "./time-calls.ts";

/** What the mesh adds to a streamed request of some size, against calling the engine directly in the same run. */
export type Added = {
  readonly bodyBytes: number;
  readonly turn: "first" | "later";
  readonly requests: number;
  /** Sent straight to the engine, ms. */
  readonly directTtftMs: Spread;
  /** Through a worker that only passes on, ms. */
  readonly passTtftMs: Spread;
  readonly meshTtftMs: Spread;
  /** Mesh less direct, request by request, ms. */
  readonly addedTtftMs: Spread;
  /** Of the runtime process, per request, ms. */
  readonly passCpuMs: number;
  readonly meshCpuMs: number;
};

/** Measures bodies of 1 KB, 100 KB and 1 MB, each as a first turn without a session and as a later turn of one. */
export async function benchAdded(requests: number): Promise<Added[]> {
  const mesh = await startBenchMesh((engineUrl) =>
    syntheticMesh({ pools: 20, enginesPerPool: 2 }, engineUrl),
  );
  const added: Added[] = [];
  try {
    for (const { bytes, share } of SIZES) {
      for (const turn of ["first", "later"] as const) {
        added.push(await compare(mesh, bytes, turn, Math.max(10, Math.round(requests * share))));
      }
    }
  } finally {
    await mesh.stop();
  }
  return added;
}

const SIZES = [
  { bytes: 1000, share: 1 },
  { bytes: 100_000, share: 0.5 },
  { bytes: 1_000_000, share: 0.25 },
];
const WARM_UP = 30;
const SESSIONS = 8;
/** Receipts are written at most a second late, ms. */
const RECEIPTS_MS = 1500;

async function compare(mesh: BenchMesh, bytes: number, turn: Added["turn"], requests: number) {
  const random = seededRandom(bytes);
  const path = "/v1/chat/completions";
  const direct: number[] = [];
  const passed: number[] = [];
  const meshed: number[] = [];
  let passCpu = 0;
  const round = async (n: number) => {
    const opening = turn === "first" ? text(40, random) : `session ${n % SESSIONS}`;
    const body = bodyOf(bytes, opening, turn);
    const session = turn === "later" ? `${bytes}-${n % SESSIONS}` : undefined;
    const { ttftMs: directMs } = await ask(mesh.engineUrl + path, body);
    const cpuBefore = mesh.cpuMs();
    const { ttftMs: passMs } = await ask(`${mesh.url}/bench/pass`, body);
    const passCpuMs = mesh.cpuMs() - cpuBefore;
    const { ttftMs: meshMs } = await ask(mesh.url + path, body, session);
    if (n < 0) return;
    direct.push(directMs);
    passed.push(passMs);
    meshed.push(meshMs);
    passCpu += passCpuMs;
  };
  for (let n = -WARM_UP; n < 0; n++) await round(n);
  await wait(RECEIPTS_MS);
  const cpuBefore = mesh.cpuMs();
  for (let n = 0; n < requests; n++) await round(n);
  await wait(RECEIPTS_MS);
  return {
    bodyBytes: bytes,
    turn,
    requests,
    directTtftMs: spreadOf(direct),
    passTtftMs: spreadOf(passed),
    meshTtftMs: spreadOf(meshed),
    addedTtftMs: spreadOf(meshed.map((ms, n) => ms - (direct[n] ?? NaN))),
    passCpuMs: passCpu / requests,
    meshCpuMs: (mesh.cpuMs() - cpuBefore - passCpu) / requests,
  };
}

/** A request of about `bytes` bytes whose messages begin with `opening`; a first turn has no answers in it yet. */
function bodyOf(bytes: number, opening: string, turn: Added["turn"]): Buffer {
  const messages = [{ role: "user", content: opening }];
  const bodyNow = () => Buffer.from(JSON.stringify({ model: "small-8b", stream: true, messages }));
  for (let missing = bytes - bodyNow().byteLength; missing > 0;) {
    const content = FILLER.slice(0, Math.min(MESSAGE_CHARS, missing));
    const answers = turn === "later" && messages.length % 2 === 1;
    messages.push({ role: answers ? "assistant" : "user", content });
    missing -= content.length + OVERHEAD;
  }
  return bodyNow();
}

const MESSAGE_CHARS = 3000;
const OVERHEAD = '{"role":"assistant","content":""},'.length;
const FILLER = text(MESSAGE_CHARS, seededRandom(2));

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
