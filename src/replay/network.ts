import type { FleetSetup, LinkSetup } from "./fleet-setup.ts";
import { Transfers } from "./transfers.ts";

/** What lies between engines: their ports, and the links of their pools. */
export class Network {
  readonly transfers: Transfers;
  readonly #fleet: FleetSetup;
  readonly #links = new Map<string, { readonly link: LinkSetup; readonly number: number }>();
  /** Dollars for what has been sent over links that cost something. */
  usd = 0;

  constructor(fleet: FleetSetup) {
    this.#fleet = fleet;
    const ports = fleet.engines.map(({ portBytesPerMs }) => portBytesPerMs);
    const links = fleet.links.map(({ bytesPerMs }) => bytesPerMs);
    this.transfers = new Transfers([...ports, ...ports, ...links]);
    for (const [number, link] of fleet.links.entries()) {
      this.#links.set(`${link.from} ${link.to}`, { link, number });
    }
  }

  /** Time to move the KV cache of `tokens` while nothing else moves; Infinity without a link. */
  idleMs(from: number, to: number, tokens: number): number {
    const { link } = this.#between(from, to) ?? {};
    const source = this.#fleet.engines[from];
    const target = this.#fleet.engines[to];
    if (!link || !source || !target || from === to) return Infinity;
    const rate = Math.min(
      link.perFlowBytesPerMs,
      link.bytesPerMs,
      source.portBytesPerMs,
      target.portBytesPerMs,
    );
    return link.setupMs + (tokens * source.kvBytesPerToken) / rate;
  }

  /** Until bytes begin to flow, ms; undefined where none can. */
  setupMs(from: number, to: number): number | undefined {
    return from === to ? undefined : this.#between(from, to)?.link.setupMs;
  }

  /** Begins a transfer of the KV cache of `tokens`. */
  begin(id: number, from: number, to: number, tokens: number, nowMs: number): void {
    const between = this.#between(from, to);
    const source = this.#fleet.engines[from];
    if (!between || !source) throw new RangeError(`no link from engine ${from} to ${to}`);
    const bytes = tokens * source.kvBytesPerToken;
    this.usd += (bytes / 1e9) * between.link.usdPerGB;
    const { length } = this.#fleet.engines;
    const over = [from, length + to, 2 * length + between.number];
    this.transfers.begin(id, bytes, over, between.link.perFlowBytesPerMs, nowMs);
  }

  #between(from: number, to: number) {
    const { engines } = this.#fleet;
    return this.#links.get(`${engines[from]?.pool} ${engines[to]?.pool}`);
  }
}
