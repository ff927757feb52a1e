import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { SpaceFile } from "./file-space.ts";

/** A state that is kept for whoever has its handle. */
export interface Kept {
  readonly file: SpaceFile;
  readonly tokens: number;
}

interface Lease extends Kept {
  readonly salt: Buffer;
  endsAt: number;
}

/** States under handles that cannot be guessed, each until its lease ends and for one salt only. */
export class Leases {
  readonly #now: () => number;
  readonly #leaseMs: number;
  /** By the handle's hash, so that how long a look-up takes says nothing of the handles there are. */
  readonly #leases = new Map<string, Lease>();

  constructor(options: { readonly now: () => number; readonly leaseMs: number }) {
    this.#now = options.now;
    this.#leaseMs = options.leaseMs;
  }

  get count(): number {
    return this.#leases.size;
  }

  /** Takes over the caller's hold on the file. */
  give(kept: Kept, salt: string): string {
    const handle = `kv_${randomBytes(32).toString("base64url")}`;
    const lease = { ...kept, salt: hash(salt), endsAt: this.#now() + this.#leaseMs };
    this.#leases.set(keyOf(handle), lease);
    return handle;
  }

  /** Renews the lease; undefined when the handle is unknown, expired or of another salt. */
  find(handle: string, salt: string): Kept | undefined {
    const lease = this.#of(handle, salt);
    if (lease) lease.endsAt = this.#now() + this.#leaseMs;
    return lease;
  }

  /** Ends a lease now; false where `find` would say undefined. */
  async end(handle: string, salt: string): Promise<boolean> {
    const lease = this.#of(handle, salt);
    if (!lease) return false;
    this.#leases.delete(keyOf(handle));
    await lease.file.release();
    return true;
  }

  /** Lets go of every state whose lease has ended. */
  async sweep(): Promise<void> {
    const ended = [...this.#leases].filter(([, { endsAt }]) => endsAt <= this.#now());
    for (const [key] of ended) this.#leases.delete(key);
    await Promise.all(ended.map(([, { file }]) => file.release()));
  }

  #of(handle: string, salt: string): Lease | undefined {
    const lease = this.#leases.get(keyOf(handle));
    const same = timingSafeEqual(lease?.salt ?? Buffer.alloc(32), hash(salt));
    return lease && same && lease.endsAt > this.#now() ? lease : undefined;
  }
}

const keyOf = (handle: string): string => hash(handle).toString("base64");

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
