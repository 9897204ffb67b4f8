import { errorText } from './texts/errors';

/** One thing that a form does at a time, and what went wrong with it. */
export class Submission {
  busy = $state(false);
  error = $state('');

  async run(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = '';
    try {
      await work();
    } catch (error) {
      this.error = errorText(error);
    } finally {
      this.busy = false;
    }
  }
}
