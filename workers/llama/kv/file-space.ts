import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";

/** A file that is deleted, and its bytes given back, when the last who holds it lets go. */
export interface SpaceFile {
  readonly path: string;
  readonly bytes: number;
  /** Says how large the file became; false when that is over the space there is. */
  resize(bytes: number): boolean;
  hold(): void;
  release(): Promise<void>;
}

/** Files of one folder, together of at most so many bytes. */
export class FileSpace {
  readonly #folder: string;
  readonly #limitBytes: number;
  readonly #open = new Set<{ delete(): Promise<void> }>();
  #bytes = 0;

  constructor(folder: string, limitBytes: number) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(bytes: number): boolean {
    return this.#bytes + bytes <= this.#limitBytes;
  }

  /** A name for a file of so many bytes, held once; undefined when there is no room for them. */
  file(bytes: number): SpaceFile | undefined {
    if (!this.has(bytes)) return undefined;
    const path = join(this.#folder, randomBytes(16).toString("hex"));
    let holders = 1;
    let size = 0;
    const resize = (next: number): void => {
      this.#bytes += next - size;
      size = next;
    };
    const entry = {
      delete: async (): Promise<void> => {
        if (!this.#open.delete(entry)) return;
        resize(0);
        await rm(path, { force: true });
      },
    };
    this.#open.add(entry);
    resize(bytes);
    return {
      path,
      get bytes() {
        return size;
      },
      resize: (next) => {
        const fits = this.has(next - size);
        if (fits) resize(next);
        return fits;
      },
      hold: () => {
        holders += 1;
      },
      release: async () => {
        holders -= 1;
        if (holders === 0) await entry.delete();
      },
    };
  }

  /** Deletes every file, whoever holds it. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((file) => file.delete()));
  }
}
