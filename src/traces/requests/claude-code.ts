import type { ClaudeCodeRequest, ClaudeCodeSession } from "../claude-code.ts";
import { ClaudeCodeSchema } from "../claude-code.ts";
import type { TraceSource } from "../conversation.ts";
import { parseJson } from "../parse.ts";
import { chainIds } from "./chain-ids.ts";
import { readDocuments } from "./documents.ts";
import type { TraceSession } from "./request.ts";

/**
 * Coding-agent sessions known by block hashes of their own. With `sharePreamble`, sessions whose tools and system
 * prompts are equally long are taken to have the same ones, and share those blocks.
 */
export async function* claudeCodeSessions(
  source: TraceSource,
  sharePreamble = false,
  copy = "",
): AsyncGenerator<TraceSession> {
  for await (const { number, text } of readDocuments(source.lines)) {
    const parsed = parseJson(text, ClaudeCodeSchema);
    if (parsed.ok)
      yield* sessionsOf({ ...parsed.value, id: parsed.value.id + copy }, sharePreamble);
    else source.problem(number, parsed.message);
  }
}

/** The session itself, then its sub-agents where the trace nests them; they share the session's blocks. */
function* sessionsOf(document: ClaudeCodeSession, sharePreamble: boolean): Generator<TraceSession> {
  const own = document.requests.filter((r): r is ClaudeCodeRequest => !("requests" in r));
  const agents = document.requests.filter((r) => "requests" in r);
  const all = [
    { id: document.id, requests: own },
    ...agents.map(({ requests }, index) => ({ id: `${document.id}-agent-${index}`, requests })),
  ];
  for (const { id, requests } of all) {
    if (requests.length === 0) continue;
    yield {
      id,
      format: "claude-code",
      requests: requestsOf(document, id, requests, sharePreamble),
    };
  }
}

function requestsOf(
  document: ClaudeCodeSession,
  session: string,
  requests: readonly ClaudeCodeRequest[],
  sharePreamble: boolean,
) {
  const { block_size: blockTokens, tool_tokens, system_tokens } = document;
  const ordered = requests.toSorted((a, b) => (a.t ?? 0) - (b.t ?? 0));
  const firstS = ordered[0]?.t ?? 0;
  const chains = ordered.map((r) =>
    chainIds(document.id, r.hash_ids.slice(0, Math.ceil(r.in / blockTokens))),
  );
  const common = Math.floor((tool_tokens + system_tokens) / blockTokens);
  const first = sharePreamble ? (chains[0] ?? []).slice(0, common) : [];
  const preamble = chainIds(`preamble:${tool_tokens}:${system_tokens}`, [...first.keys()]);
  return ordered.map((request, turn) => ({
    session,
    turn,
    offsetMs: ((request.t ?? firstS) - firstS) * 1000,
    thinkMs: turn === 0 ? 0 : (request.think_time ?? 0) * 1000,
    promptTokens: request.in,
    outputTokens: Math.max(1, request.out),
    blocks: (chains[turn] ?? []).map((id, at) => (id === first[at] ? (preamble[at] ?? id) : id)),
    blockTokens,
  }));
}
