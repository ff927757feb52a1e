import { open } from "node:fs/promises";
import {
  chunkLimitBytes,
  CorruptStream,
  readFrames,
  type StateHeader,
  writeFrames,
} from "./frames.ts";
import type { FileSpace, SpaceFile } from "./file-space.ts";

/** Why a stream of state was not taken in. */
export type Refusal = "model" | "corrupt" | "large" | "room";

/** A refusal to take in a stream of state, its message a clause for people. */
export class RefusedState extends Error {
  override readonly name = "RefusedState";
  readonly why: Refusal;

  constructor(why: Refusal, message: string) {
    super(message);
    this.why = why;
  }
}

/**
 * A file's state as a framed stream that reads no faster than it is read.
 * `done` is called once, when it ended, failed or was cancelled; a file deleted meanwhile is still sent whole.
 */
export async function streamOfFile(
  path: string,
  header: StateHeader,
  options: { readonly key: Uint8Array | undefined; readonly done: () => Promise<void> },
): Promise<ReadableStream<Uint8Array>> {
  let file;
  try {
    file = await open(path);
  } catch (error) {
    await options.done();
    throw error;
  }
  const opened = file;
  const frames = writeFrames(
    header,
    opened.createReadStream({ highWaterMark: chunkLimitBytes, autoClose: false }),
    options.key,
  );
  let ended = false;
  const end = async (): Promise<void> => {
    if (ended) return;
    ended = true;
    await opened.close();
    await options.done();
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await frames.next();
        if (!done) return controller.enqueue(value);
      } catch (error) {
        await end();
        throw error;
      }
      await end();
      controller.close();
    },
    async cancel() {
      await frames.return(undefined);
      await end();
    },
  });
}

/** Takes a framed stream into a file that the caller then holds; throws a `RefusedState` or what the stream throws, with no file left. */
export async function fileOfStream(
  stream: AsyncIterable<Uint8Array>,
  space: FileSpace,
  options: {
    readonly model: string;
    readonly limitBytes: number;
    readonly key?: Uint8Array | undefined;
  },
): Promise<{ readonly file: SpaceFile; readonly header: StateHeader }> {
  let file: SpaceFile | undefined;
  try {
    const { header, state } = await readFrames(stream, options.key);
    file = roomFor(header, space, options);
    const written = await open(file.path, "wx", 0o600);
    try {
      for await (const chunk of state) await written.writeFile(chunk);
    } finally {
      await written.close();
    }
    return { file, header };
  } catch (error) {
    await file?.release();
    throw error instanceof CorruptStream ? new RefusedState("corrupt", error.message) : error;
  }
}

function roomFor(
  header: StateHeader,
  space: FileSpace,
  { model, limitBytes }: { readonly model: string; readonly limitBytes: number },
): SpaceFile {
  if (header.model !== model) {
    throw new RefusedState("model", "the state is of another model or build");
  }
  if (header.bytes > limitBytes) {
    throw new RefusedState(
      "large",
      `a state of ${header.bytes} bytes is over the limit of ${limitBytes}`,
    );
  }
  const file = space.file(header.bytes);
  if (!file)
    throw new RefusedState("room", `there is no room for a state of ${header.bytes} bytes`);
  return file;
}
