/** What `mesh.ts` tells an edge beside the edge's own bindings: where it is, and the mesh it is part of. */
export type LocalBinding = {
  readonly lat: number;
  readonly lon: number;
  readonly roundTrips: boolean;
  /** Multiplies emulated durations; 1 is real time. */
  readonly timeFactor: number;
  readonly key: string;
  readonly emulatorUrl: string;
  readonly emulatorToken: string;
};

/** The clock of everything in one mesh, whose parts come and go: one that begins anew would go back. */
export type ClockBinding = {
  /** When the mesh was started, epoch ms. */
  readonly startedAt: number;
  /** Multiplies durations; 1 is real time. */
  readonly timeFactor: number;
};
