import type { IndexMemory } from "./index-memory.ts";
import type { RegionLoad } from "./region-load.ts";
import { table } from "./table.ts";

/** The memory that prefix indexes take. */
export function indexText(index: IndexMemory): string[] {
  const { engines, links, conversations, arrayBytes, heapBytes } = index;
  const { checkpointMs, checkpointBytes, checkpointRows } = index;
  return [
    `index: ${links} links of ${conversations} conversations in the prefix indexes of ${engines} engines (aim: a million in 32 MB)`,
    table(
      ["arrays MB", "heap MB", "together", "bytes a link", "checkpoint ms", "MB", "rows"],
      [
        [
          ...[arrayBytes, heapBytes, arrayBytes + heapBytes].map(megabytes),
          ((arrayBytes + heapBytes) / links).toFixed(1),
          checkpointMs.toFixed(0),
          megabytes(checkpointBytes),
          String(checkpointRows),
        ],
      ],
    ),
  ];
}

/** What a Region object takes of its thread. */
export function regionTable(region: RegionLoad): string[] {
  const { engines, perSecond, seconds, cpuShare, asks, granted, queued, rowsWritten } = region;
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  return [
    `region: one Region object, ${engines} engines, ${perSecond} reserves a second for ${seconds} s (aim: its thread under 60 %)`,
    table(
      ["asked", "granted", "after waiting", "tokens", "links", "reports", "rows a grant"],
      [
        [
          ...[asks, granted, queued].map(String),
          region.tokens.toFixed(0),
          region.links.toFixed(1),
          region.events.toFixed(1),
          (rowsWritten / granted).toFixed(4),
        ],
      ],
    ),
    "CPU of the runtime process, of one thread",
    table(
      [
        "messages alone",
        "with an object that only answers",
        "with a Region",
        "Region less messages",
      ],
      [
        [
          ...[cpuShare.nobody, cpuShare.echo, cpuShare.region].map(percent),
          percent(cpuShare.region - cpuShare.nobody),
        ],
      ],
    ),
    "The last figure has both sides of its RPCs, claims of those that wait, storage and a checkpoint in it.",
  ];
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
