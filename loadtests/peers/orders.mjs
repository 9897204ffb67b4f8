// Orders of the benchmark: a line "count size interval" on standard input is a broadcast of so many messages of so many
// bytes, one each interval (seconds); a line with the number of messages answers it.
import { createInterface } from 'node:readline';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const turn = () => new Promise((resolve) => setImmediate(resolve));

export async function obey(broadcast) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [count, size, interval] = line.split(' ').map(Number);
    const message = 'x'.repeat(size);
    let due = performance.now();
    for (let sent = 0; sent < count; sent += 1) {
      broadcast(message);
      due += interval * 1000;
      const left = due - performance.now();
      await (left > 0 ? pause(left) : turn());
    }
    console.log(count);
  }
}
