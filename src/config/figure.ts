import type { DeviceClass, Status, Tier } from "../core/fleet.ts";

/** A number and where it comes from; an estimate is ours and may be wrong by a factor of two. */
export type Figure = {
  readonly value: number;
  readonly source: string;
  readonly estimate: boolean;
};

/** A device class as the table has it: every number with its source. */
export type DeviceEntry = {
  readonly status: Status;
  readonly flops: Figure;
  readonly mfu: Figure;
  readonly memory: readonly {
    readonly tier: Tier;
    readonly bytes: Figure;
    readonly bytesPerS: Figure;
  }[];
  readonly constantStep?: { readonly baseMs: Figure; readonly msPerBillion: Figure };
  readonly watts: Figure;
  readonly usdPerHour: Figure;
};

/** A number somebody published or measured. */
export function cited(value: number, source: string): Figure {
  return { value, source, estimate: false };
}

/** A number we inferred; `source` says from what. */
export function estimated(value: number, source: string): Figure {
  return { value, source, estimate: true };
}

/** The plain device class of a table entry. */
export function deviceClass(name: string, entry: DeviceEntry): DeviceClass {
  const { constantStep } = entry;
  return {
    name,
    status: entry.status,
    flops: entry.flops.value,
    mfu: entry.mfu.value,
    memory: entry.memory.map(({ tier, bytes, bytesPerS }) => ({
      tier,
      bytes: bytes.value,
      bytesPerS: bytesPerS.value,
    })),
    ...(constantStep && {
      constantStep: {
        baseMs: constantStep.baseMs.value,
        msPerBillion: constantStep.msPerBillion.value,
      },
    }),
    watts: entry.watts.value,
    usdPerHour: entry.usdPerHour.value,
  };
}
