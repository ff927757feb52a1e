import { once } from "node:events";
import { rm } from "node:fs/promises";
import { Counters } from "./metrics.ts";
import { httpServer } from "./http.ts";
import { createKvTransfer } from "./kv/index.ts";
import { ownFolder } from "./kv/own-folder.ts";
import { loadModel } from "./model.ts";
import type { Options } from "./options.ts";
import { answerRequest } from "./routes.ts";
import { Sequences } from "./sequences.ts";

export type RunningEngine = {
  /** `http://host:port` */
  readonly origin: string;
  readonly model: string;
  /** Ends what is running, frees the memory and deletes its files. */
  stop(): Promise<void>;
};

/** Loads a model and serves it; rejects with an `Error` that says what is wrong with the model or the port. */
export async function startEngine(options: Options): Promise<RunningEngine> {
  const loaded = await loadModel(options);
  const sequences = new Sequences(loaded.context, loaded.fingerprint);
  const counters = new Counters();
  const folder = await ownFolder();
  const server = httpServer((request) => answerRequest(engine, request));
  server.listen(options.port, options.host);
  // Nothing may be awaited from here until there is an engine: somebody may be asking already.
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const origin = options.url ?? `http://${options.host}:${port}`;
  const kv = createKvTransfer({ states: sequences, origin, peers: options.peers, folder });
  const engine = { loaded, sequences, counters, kv };
  return {
    origin,
    model: loaded.name,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await sequences.idle();
      await kv.close();
      await rm(folder, { recursive: true, force: true });
      await loaded.dispose();
    },
  };
}
