import type { Problem } from "../../problem.ts";
import { BOOTSTRAP_PORT } from "../bootstrap.ts";
import { parseExactly } from "../exact-json.ts";

/** Where both engines of a request meet, for each of its choices. */
export type Meeting = {
  readonly host: string;
  readonly port: number;
  /** Digit for digit. */
  readonly room: string;
};

/** Reads the bootstrap members of a body; undefined without a room. */
export function readMeetings(
  text: string,
  choices: number,
): { ok: true; meetings: Meeting[] | undefined } | { ok: false; problem: Problem } {
  const body = parseExactly(text);
  const room = body["bootstrap_room"];
  if (room === undefined || room === null) return { ok: true, meetings: undefined };
  const rooms = Array.isArray(room) ? room : countedFrom(room, choices);
  const hosts = each(body["bootstrap_host"] ?? null, choices);
  const ports = each(body["bootstrap_port"] ?? null, choices);
  if (rooms.length !== choices || hosts.length !== choices || ports.length !== choices) {
    return malformed(`bootstrap_host, bootstrap_port and bootstrap_room must be ${choices} long`);
  }
  if (!rooms.every(isRoom)) return malformed("bootstrap_room must be an integer in [0, 2^63 - 1]");
  if (!hosts.every((host) => typeof host === "string")) {
    return malformed("bootstrap_host must be a string");
  }
  if (!ports.every((port) => port === null || Number.isInteger(port))) {
    return malformed("bootstrap_port must be an integer or null");
  }
  const meetings = rooms.map((one, index) => ({
    host: String(hosts[index]),
    port: Number(ports[index] ?? BOOTSTRAP_PORT),
    room: String(one),
  }));
  return { ok: true, meetings };
}

/** One room for a batch stands for as many that follow on it. */
function countedFrom(room: unknown, choices: number): unknown[] {
  if (!isRoom(room) || choices === 1) return [room];
  return Array.from({ length: choices }, (_, index) => BigInt(room) + BigInt(index));
}

function each(value: unknown, choices: number): unknown[] {
  return Array.isArray(value) ? value : Array.from({ length: choices }, () => value);
}

const MOST = 2n ** 63n - 1n;

function isRoom(room: unknown): room is number | bigint {
  const isWhole = typeof room === "bigint" || (typeof room === "number" && Number.isInteger(room));
  return isWhole && room >= 0 && BigInt(room) <= MOST;
}

function malformed(message: string): { ok: false; problem: Problem } {
  return { ok: false, problem: { status: 400, code: "invalid_bootstrap", message } };
}
