import { seedOf, type Held } from "../../../../src/sim/hash.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";
import { parseExactly } from "../exact-json.ts";

/** What a prefill leg hands out: where its blocks are, in numbers that need all their 64 bits. */
export type Handle = {
  readonly engineId: string;
  readonly host: string;
  readonly requestId: string;
  readonly blockIds: readonly string[];
};

const TOP_BIT = 1n << 62n;

/** Writes `kv_transfer_params` by hand, since its numbers are beyond what JSON.stringify can write. */
export function writeHandle(handle: Handle, tokens: number): string {
  return (
    `{"do_remote_prefill":true,"do_remote_decode":false,` +
    `"remote_block_ids":[[${handle.blockIds.join(",")}]],` +
    `"remote_engine_id":${JSON.stringify(handle.engineId)},` +
    `"remote_request_id":${handle.requestId},` +
    `"remote_host":${JSON.stringify(handle.host)},"remote_port":5600,` +
    `"tp_size":1,"remote_num_tokens":${tokens}}`
  );
}

/** Reads the handle out of a decode leg's body, digit for digit; undefined when something it needs is missing. */
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
  return { engineId, host, requestId: String(requestId), blockIds: blockIds.flat().map(String) };
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
