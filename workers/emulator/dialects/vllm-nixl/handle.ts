import type { Phase } from "../../../../src/core/fleet.ts";
import { seedOf, type Held } from "../../../../src/sim/hash.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";
import { parseExactly } from "../exact-json.ts";

/** Where an engine keeps blocks for another, in numbers that need all their 64 bits. */
export type Handle = {
  readonly engineId: string;
  readonly host: string;
  readonly requestId: string;
  readonly blockIds: readonly string[];
  /** `remote_num_tokens`: how many tokens are in them; 0 when it does not say. */
  readonly tokens: number;
};

const TOP_BIT = 1n << 62n;

/** Writes `kv_transfer_params` by hand, since its numbers are beyond what JSON.stringify can write. */
export function writeHandle(handle: WrittenHandle): string {
  const more = Object.entries(handle.more ?? {}).map(
    ([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  const isPrefills = handle.giver === "prefill";
  return (
    `{"do_remote_prefill":${isPrefills},"do_remote_decode":${!isPrefills},` +
    `"remote_block_ids":[[${handle.blockIds.join(",")}]],` +
    `"remote_engine_id":${JSON.stringify(handle.engineId)},` +
    `"remote_request_id":${handle.requestId},` +
    `"remote_host":${JSON.stringify(handle.host)},"remote_port":5600,` +
    `"tp_size":1,"remote_num_tokens":${handle.tokens}${more.join("")}}`
  );
}

/** As an engine gives it out: a prefill engine to decode, or a decode engine to the next turn's prefill. */
export type WrittenHandle = Omit<Handle, "requestId"> & {
  /** Raw JSON. */
  readonly requestId: string;
  readonly giver: Phase;
  readonly more?: Readonly<Record<string, string | number>>;
};

/** Reads the handle out of a body, digit for digit; undefined when something it needs is missing. */
export function readHandle(body: string): Handle | undefined {
  const params = parseExactly(body)["kv_transfer_params"];
  if (!isRecord(params)) return undefined;
  const engineId = params["remote_engine_id"];
  const host = params["remote_host"];
  const requestId = params["remote_request_id"];
  const blockIds = params["remote_block_ids"];
  const known = typeof engineId === "string" && typeof host === "string";
  if (!known || requestId === undefined || !Array.isArray(blockIds)) return undefined;
  if (params["remote_port"] === undefined) return undefined;
  const tokens = Number(params["remote_num_tokens"] ?? 0);
  const ids = blockIds.flat().map(String);
  return { engineId, host, requestId: String(requestId), blockIds: ids, tokens };
}

/** Numbers naming the blocks of `held`: odd and above 2^62, so that a double cannot hold them. */
export function blockIdsOf(held: Held): string[] {
  const hashes = held.tail.length > 0 ? [...held.blocks, seedOf(held)] : held.blocks;
  return hashes.map((hash) => wide(BigInt(`0x${hash}`)));
}

/** A fresh 64-bit request number. */
export function newRequestNumber(): string {
  const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return wide(random);
}

function wide(value: bigint): string {
  return String((value & (TOP_BIT - 1n)) | TOP_BIT | 1n);
}
