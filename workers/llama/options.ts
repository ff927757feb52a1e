import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

export const KV_TYPES = ["F32", "F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"] as const;
export type KvType = (typeof KV_TYPES)[number];

export type Options = {
  readonly model: string;
  /** What requests call the model; undefined is its own name. */
  readonly name: string | undefined;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where other engines reach this one; undefined is its host and port. */
  readonly url: string | undefined;
  /** Tokens that each sequence can hold; undefined takes what the model was trained for, at most 8,192. */
  readonly context: number | undefined;
  readonly sequences: number;
  readonly threads: number;
  readonly kvTypes: { readonly key: KvType; readonly value: KvType };
  /** Origins of other engines. */
  readonly peers: readonly string[];
};

export const USAGE = `npm run llama -- --model FILE.gguf [options]

  --model FILE        a model in GGUF
  --name NAME         what requests call it; default: the model's own name
  --port N            default 8100; 0 takes a free one
  --host ADDRESS      default 127.0.0.1
  --url URL           where other engines reach this one; default: its host and port
  --context N         tokens per sequence; default: the model's, at most 8192
  --sequences N       requests at once; default 4
  --threads N         default: one less than there are cores
  --kv-types K[,V]    of the KV cache: ${KV_TYPES.join(", ")}; default F16
  --peer URL          an engine whose KV state this one may fetch; may be given again`;

/** Reads the command line; throws an `Error` that says in a sentence what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: "string" },
      name: { type: "string" },
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8100" },
      url: { type: "string" },
      context: { type: "string" },
      sequences: { type: "string", default: "4" },
      threads: { type: "string" },
      "kv-types": { type: "string", default: "F16" },
      peer: { type: "string", multiple: true, default: [] },
    },
  });
  if (values.model === undefined) throw new Error("--model FILE.gguf is missing");
  const count = (name: string, text: string, least: number, most: number): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new Error(`--${name} must be a whole number from ${least} to ${most}, not ${text}`);
  };
  const { context, threads } = values;
  return {
    model: values.model,
    name: values.name,
    host: values.host,
    port: count("port", values.port, 0, 65_535),
    context: context === undefined ? undefined : count("context", context, 16, 1_048_576),
    url: values.url === undefined ? undefined : origin("url", values.url),
    sequences: count("sequences", values.sequences, 1, 64),
    threads:
      threads === undefined
        ? Math.max(1, availableParallelism() - 1)
        : count("threads", threads, 1, 1_024),
    kvTypes: kvTypes(values["kv-types"]),
    peers: values.peer.map((url) => origin("peer", url)),
  };
}

function kvTypes(text: string): Options["kvTypes"] {
  const [key = "", value = key, ...rest] = text.toUpperCase().split(",");
  if (rest.length === 0 && isKvType(key) && isKvType(value)) return { key, value };
  throw new Error(`--kv-types takes one or two of ${KV_TYPES.join(", ")}, not ${text}`);
}

function isKvType(text: string): text is KvType {
  return (KV_TYPES as readonly string[]).includes(text);
}

function origin(name: string, text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.origin;
  throw new Error(`--${name} must be an http URL, not ${text}`);
}
