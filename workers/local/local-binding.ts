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
