/**
 * Links by their key, in the order of their last use: about 29 bytes a link, where objects in a `Map` take 110. A link is
 * named by a number above 0, which is another link's once it has been removed.
 */
export class LinkTable {
  #size = 0;
  /** Removed links, one behind the other. */
  #free = 0;
  /** The highest number that was given away. */
  #used = 0;
  #oldest = 0;
  #newest = 0;
  #keys = new Float64Array(FEWEST);
  /** Tokens and flags. */
  #words = new Uint32Array(FEWEST);
  #runs = new Uint32Array(FEWEST);
  #next = new Uint32Array(FEWEST);
  #previous = new Uint32Array(FEWEST);
  /** Open addressing: link numbers at the places of their keys, or the next free ones. */
  #places = new Uint32Array(placesFor(FEWEST));

  get size(): number {
    return this.#size;
  }

  /** What it takes of memory. */
  get bytes(): number {
    const columns = [this.#keys, this.#words, this.#runs, this.#next, this.#previous, this.#places];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** The link that was used least recently; 0 when there is none. */
  get oldest(): number {
    return this.#oldest;
  }

  /** The link that was used next; 0 behind the newest. */
  after(link: number): number {
    return this.#next[link] as number;
  }

  /** 0 where there is none. */
  find(key: number): number {
    return this.#places[this.#placeOf(key)] as number;
  }

  keyOf(link: number): number {
    return this.#keys[link] as number;
  }

  wordOf(link: number): number {
    return this.#words[link] as number;
  }

  runOf(link: number): number {
    return this.#runs[link] as number;
  }

  /** Adds a link that is not there yet, as the newest. */
  add(key: number, word: number, run: number): void {
    if (this.#free === 0 && this.#used + 1 >= this.#keys.length) this.#grow();
    const link = this.#free || ++this.#used;
    if (this.#free > 0) this.#free = this.#next[link] as number;
    this.#keys[link] = key;
    this.#places[this.#placeOf(key)] = link;
    this.#size++;
    this.#append(link, word, run);
  }

  /** Makes a link the newest. */
  renew(link: number, word: number, run: number): void {
    this.#unlink(link);
    this.#append(link, word, run);
  }

  remove(link: number): void {
    this.#unlink(link);
    this.#vacate(this.#placeOf(this.keyOf(link)));
    this.#next[link] = this.#free;
    this.#free = link;
    this.#size--;
  }

  #append(link: number, word: number, run: number): void {
    this.#words[link] = word;
    this.#runs[link] = run;
    this.#next[link] = 0;
    this.#previous[link] = this.#newest;
    if (this.#newest > 0) this.#next[this.#newest] = link;
    else this.#oldest = link;
    this.#newest = link;
  }

  #unlink(link: number): void {
    const [next, previous] = [this.after(link), this.#previous[link] as number];
    if (previous > 0) this.#next[previous] = next;
    else this.#oldest = next;
    if (next > 0) this.#previous[next] = previous;
    else this.#newest = previous;
  }

  /** Where a key is, or would be put. */
  #placeOf(key: number): number {
    let place = homeOf(key, this.#places.length);
    for (;;) {
      const link = this.#places[place] as number;
      if (link === 0 || this.#keys[link] === key) return place;
      place = place + 1 < this.#places.length ? place + 1 : 0;
    }
  }

  /** Empties a place, and moves up those behind it that would not be found any more. */
  #vacate(place: number): void {
    const { length } = this.#places;
    let hole = place;
    for (let at = (hole + 1) % length; this.#places[at] !== 0; at = (at + 1) % length) {
      const link = this.#places[at] as number;
      const home = homeOf(this.keyOf(link), length);
      const isBetween = hole <= at ? hole < home && home <= at : hole < home || home <= at;
      if (isBetween) continue;
      this.#places[hole] = link;
      hole = at;
    }
    this.#places[hole] = 0;
  }

  #grow(): void {
    const length = Math.ceil(this.#keys.length * GROWTH);
    this.#keys = larger(this.#keys, new Float64Array(length));
    this.#words = larger(this.#words, new Uint32Array(length));
    this.#runs = larger(this.#runs, new Uint32Array(length));
    this.#next = larger(this.#next, new Uint32Array(length));
    this.#previous = larger(this.#previous, new Uint32Array(length));
    this.#places = new Uint32Array(placesFor(length));
    for (let link = this.#oldest; link > 0; link = this.after(link)) {
      this.#places[this.#placeOf(this.keyOf(link))] = link;
    }
  }
}

/** A link as it outlives the memory it was in. */
export type KeptLink = {
  readonly key: number;
  /** Tokens. */
  readonly weight: number;
  /** When it was last used, epoch ms. */
  readonly at: number;
  readonly isFirst: boolean;
  /** The last link of the chain it came with: what was generated followed it. */
  readonly isEnd: boolean;
};

/** A link's tokens and flags in one number of 32 bits. */
export function wordOf(tokens: number, isFirst: boolean, isEnd: boolean): number {
  return tokens * FLAGS + (isFirst ? IS_FIRST : 0) + (isEnd ? IS_END : 0);
}

/** Tokens of a word. */
export function weightOf(word: number): number {
  return Math.floor(word / FLAGS);
}

/** The first link of a chain. */
export const IS_FIRST = 1;
/** The last link of the chain that it came with. */
export const IS_END = 2;
const FLAGS = 4;

const FEWEST = 16;
const GROWTH = 1.125;

/** At most four fifths of the places are taken. */
function placesFor(links: number): number {
  return Math.ceil(links * 1.25);
}

function larger<A extends Float64Array | Uint32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

/** Keys may be small numbers as well as hashes. */
function homeOf(key: number, places: number): number {
  let mixed = (key >>> 0) ^ Math.imul((key / 2 ** 21) >>> 0, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return Math.floor((((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32) * places);
}
