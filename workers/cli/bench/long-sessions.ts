import { seededRandom } from "../../../src/core/random.ts";
import { type BenchMesh, startBenchMesh } from "./bench-mesh.ts";
import { ask } from "./client.ts";
import { text } from "./prompts.ts";
import { splittingMesh } from "./turn-mesh.ts";
import { ANSWER, counted, type Counted, inParallel } from "./turns.ts";

/** What one turn of a session took on average, after so many others, with a request of that size. */
export type LongSession = {
  readonly turnsBefore: number;
  readonly bodyBytes: number;
  readonly turns: number;
  readonly sessionCalls: number;
  readonly rowsWritten: number;
  readonly rowsRead: number;
  /** Of the whole runtime process. */
  readonly cpuMs: number;
};

/** Measures turns of sessions of 5, 50 and 500 turns, with requests of 1 KB, 100 KB and 1 MB. */
export async function benchLongSessions(turns: number): Promise<LongSession[]> {
  const mesh = await startBenchMesh((engineUrl) => splittingMesh(engineUrl, "together"));
  const measured: LongSession[] = [];
  try {
    await inParallel(sessionsOf("warm-up", WARM_UP), (session) => take(mesh, session, SMALL, 3));
    for (const bodyBytes of BODIES) {
      for (const turnsBefore of LENGTHS) {
        measured.push(await measure(mesh, bodyBytes, turnsBefore, turns));
      }
    }
  } finally {
    await mesh.stop();
  }
  return measured;
}

const LENGTHS = [5, 50, 500];
const BODIES = [1000, 100_000, 1_000_000];
const SESSIONS = 4;
const WARM_UP = 30;
const SMALL = 1000;

async function measure(mesh: BenchMesh, bodyBytes: number, turnsBefore: number, turns: number) {
  const sessions = sessionsOf(`${bodyBytes}-${turnsBefore}`, SESSIONS);
  const each = Math.ceil(turns / SESSIONS);
  await inParallel(sessions, async (session) => {
    await take(mesh, session, SMALL, turnsBefore - 2);
    await take(mesh, session, bodyBytes, 2);
  });
  const seen = await counted(mesh, () =>
    inParallel(sessions, (session) => take(mesh, session, bodyBytes, each)),
  );
  const of = each * SESSIONS;
  return {
    turnsBefore,
    bodyBytes,
    turns: of,
    sessionCalls: perTurn(seen, of, ({ calls }) =>
      Object.entries(calls).reduce(
        (sum, [name, n]) => (name.startsWith("Session.") ? sum + n : sum),
        0,
      ),
    ),
    rowsWritten: perTurn(seen, of, ({ storage }) => storage["Session"]?.rowsWritten ?? 0),
    rowsRead: perTurn(seen, of, ({ storage }) => storage["Session"]?.rowsRead ?? 0),
    cpuMs: seen.cpuMs / of,
  };
}

function perTurn(
  { before, counts }: Counted,
  turns: number,
  of: (counts: Counted["counts"]) => number,
): number {
  return (of(counts) - of(before)) / turns;
}

function sessionsOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${name}-${n}`);
}

/** Turns that go on from the answer before with a context of always the same size, as of an agent that compacts. */
async function take(mesh: BenchMesh, session: string, bodyBytes: number, turns: number) {
  const context = text(bodyBytes - 300, seededRandom(session.length + bodyBytes));
  for (let n = 0; n < turns; n += 1) {
    const messages = [
      { role: "system", content: `${session} ${context}` },
      { role: "user", content: "Go on." },
      { role: "assistant", content: ANSWER },
      { role: "user", content: `And what of ${n}?` },
    ];
    const body = Buffer.from(JSON.stringify({ model: "small-8b", stream: true, messages }));
    await ask(`${mesh.url}/v1/chat/completions`, body, session);
  }
}
