/** Writes the events of one response, numbered in order. */
export class Events {
  #next = 0;

  /** One event with its blank line. */
  write(type: string, members: object): string {
    const data = JSON.stringify({ type, sequence_number: this.#next, ...members });
    this.#next += 1;
    return `event: ${type}\ndata: ${data}\n\n`;
  }
}
