import type { FleetLeg } from "./leg.ts";

/** Legs that wait for an engine, first come first. */
export class WaitingLine {
  #legs: FleetLeg[] = [];
  #from = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): FleetLeg | undefined {
    return this.#legs[this.#from];
  }

  /** The first that has its blocks already. */
  get firstReserved(): FleetLeg | undefined {
    for (let at = this.#from; at < this.#legs.length; at++) {
      const leg = this.#legs[at];
      if (leg?.phase === "reserved") return leg;
    }
    return undefined;
  }

  push(leg: FleetLeg): void {
    this.#legs.push(leg);
    this.#size++;
  }

  remove(leg: FleetLeg): void {
    if (this.#legs[this.#from] === leg) this.#from++;
    else this.#legs.splice(this.#legs.indexOf(leg, this.#from), 1);
    this.#size--;
    if (this.#from < 64 || this.#from * 2 < this.#legs.length) return;
    this.#legs = this.#legs.slice(this.#from);
    this.#from = 0;
  }

  /** Takes all of them out. */
  clear(): FleetLeg[] {
    const rest = this.#legs.slice(this.#from);
    this.#legs = [];
    this.#from = 0;
    this.#size = 0;
    return rest;
  }
}
