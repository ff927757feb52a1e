import { isRecord } from "../../src/sim/tokens.ts";
import { failure } from "./problem.ts";

export const FAULTS = [
  "none",
  "refuse",
  "status",
  "429",
  "stall-before-first",
  "stall-midstream",
  "cut-midstream",
  "slow",
  "isolated",
  "load",
  "late",
] as const;

/** How an engine misbehaves; `isolated`: other engines and it do not reach each other, though its callers do; `load`: no
 * blocks reach it from elsewhere; `late`: requests reach it long after they were sent. */
export type Fault = {
  readonly fault: (typeof FAULTS)[number];
  /** Of `slow`: how many times longer every iteration takes. */
  readonly factor: number;
  /** Of `late`: emulated ms. */
  readonly delayMs: number;
  readonly status: number;
  readonly retryAfterS: number;
  /** Of `stall-midstream` and `cut-midstream`: how many tokens come before. */
  readonly afterTokens: number;
  /** Requests it applies to before it ends by itself. */
  readonly times: number;
};

/** Reads `POST /admin/faults`; undefined when it is malformed. */
export function readFault(body: unknown): Fault | undefined {
  if (!isRecord(body)) return undefined;
  const fault = FAULTS.find((name) => name === body["fault"]);
  if (!fault) return undefined;
  const number = (name: string, otherwise: number): number => {
    const value = body[name];
    return typeof value === "number" && value > 0 ? value : otherwise;
  };
  return {
    fault,
    factor: number("factor", 4),
    delayMs: number("delayMs", 1000),
    status: number("status", 500),
    retryAfterS: number("retryAfterS", 1),
    afterTokens: number("afterTokens", 3),
    times: number("times", Infinity),
  };
}

/** The fault in force, counted down by the requests that meet it. */
export class Faults {
  #fault: Fault | undefined;
  #left = 0;

  set(fault: Fault): void {
    this.#fault = fault.fault === "none" ? undefined : fault;
    this.#left = fault.times;
  }

  get isIsolated(): boolean {
    return this.#fault?.fault === "isolated";
  }

  meet(): Fault | undefined {
    if (this.#left <= 0) return undefined;
    this.#left--;
    return this.#fault;
  }
}

/** How a fault answers at once, if it does; throws for one that lets nobody connect. */
export function refusalOf(fault: Fault | undefined): Response | undefined {
  // Over a service binding this is what a refused connection looks like.
  if (fault?.fault === "refuse") throw new Error("connection refused");
  if (fault?.fault === "status") return failure(fault.status, "emulated_fault", "Told to fail.");
  if (fault?.fault !== "429") return undefined;
  const headers = { "retry-after": String(fault.retryAfterS) };
  return failure(429, "rate_limit_exceeded", "Told to refuse.", headers);
}

/** Tokens after which an answer stops dead. */
export function haltAfter(fault: Fault | undefined): number | undefined {
  if (fault?.fault === "stall-before-first") return 0;
  const isMidstream = fault?.fault === "stall-midstream" || fault?.fault === "cut-midstream";
  return isMidstream ? fault.afterTokens : undefined;
}

/** A halted answer is cut rather than left hanging. */
export function cutsWhenHalted(fault: Fault | undefined): boolean {
  return fault?.fault === "cut-midstream";
}
