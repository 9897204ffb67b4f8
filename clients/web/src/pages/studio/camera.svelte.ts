/** One's own camera and microphone as the studio shows them, and the picture's way to a seat of the room. */
import { api } from '../../api';
import {
  Publisher,
  type Devices,
  type PublisherState,
  type PublisherStatistics,
} from '../../publisher';
import { HOST_SEAT } from '../../stage/tiles';
import { deviceProblem, type DeviceProblem } from './device-problem';

const KEPT = 'studio.devices';

/** The host has given up waiting for the picture, or the server does not take it. */
export class NoPicture extends Error {
  constructor(readonly reason: 'canceled' | 'refused') {
    super(reason);
    this.name = 'NoPicture';
  }
}

interface Chosen {
  camera?: string;
  microphone?: string;
}

export class Camera {
  stream = $state.raw<MediaStream | null>(null);
  /** The tracks of the stream; devices are changed within it. */
  tracks = $state.raw<MediaStreamTrack[]>([]);
  devices = $state.raw<Devices>({ cameras: [], microphones: [] });
  problem = $state<DeviceProblem | null>(null);
  opening = $state(false);
  speaking = $state(true);
  state = $state<PublisherState>('idle');
  statistics = $state.raw<PublisherStatistics | null>(null);
  private asking: Promise<void> | null = null;
  private waiting: { resolve: () => void; reject: (error: NoPicture) => void }[] = [];
  private readonly publisher: Publisher;
  private readonly lookAgain = (): void => void this.list();

  constructor(
    room: string,
    private readonly onlive: () => void = () => undefined,
    seat: () => string = () => HOST_SEAT,
  ) {
    this.publisher = new Publisher({
      access: () => api.media(room, seat()),
      onstate: (state) => this.become(state),
      onstatistics: (statistics) => (this.statistics = statistics),
    });
  }

  /** The devices in use. */
  readonly cameraId = $derived(this.idOf('video'));
  readonly microphoneId = $derived(this.idOf('audio'));

  /** Asks for the devices that were used last, or for any; replaces those that were unplugged. */
  open(): Promise<void> {
    this.asking ??= this.openNow().finally(() => (this.asking = null));
    return this.asking;
  }

  private async openNow(): Promise<void> {
    this.opening = true;
    this.problem = null;
    navigator.mediaDevices?.addEventListener('devicechange', this.lookAgain);
    try {
      if (this.stream) await this.replaceEnded();
      else this.stream = await this.ask(kept());
      this.publisher.switchMicrophone(this.speaking);
      this.taken();
    } catch (error) {
      this.problem = deviceProblem(error);
    } finally {
      this.opening = false;
    }
    await this.list();
  }

  async useCamera(id: string): Promise<void> {
    await this.change(() => this.publisher.useCamera(id));
  }

  async useMicrophone(id: string): Promise<void> {
    await this.change(() => this.publisher.useMicrophone(id));
  }

  speak(on: boolean): void {
    this.speaking = on;
    this.publisher.switchMicrophone(on);
  }

  /** Sends the picture; resolves when it has arrived. */
  start(): Promise<void> {
    if (this.state === 'live') return Promise.resolve();
    const arrived = new Promise<void>((resolve, reject) => this.waiting.push({ resolve, reject }));
    this.publisher.start();
    return arrived;
  }

  stop(): void {
    this.publisher.stop();
  }

  /** Lets go of the devices: their lights go out. */
  close(): void {
    navigator.mediaDevices?.removeEventListener('devicechange', this.lookAgain);
    this.publisher.close();
    [this.stream, this.tracks] = [null, []];
  }

  /** Any other device in place of one that is gone; what is being sent goes on. */
  private async replaceEnded(): Promise<void> {
    for (const track of this.tracks.filter((one) => one.readyState === 'ended')) {
      if (track.kind === 'video') await this.publisher.useCamera('');
      else await this.publisher.useMicrophone('');
    }
  }

  private async ask(chosen: Chosen): Promise<MediaStream> {
    try {
      return await this.publisher.open(chosen.camera, chosen.microphone);
    } catch (error) {
      // What was used last may not be plugged in today.
      const gone = chosen.camera ?? chosen.microphone;
      if (gone && deviceProblem(error) !== 'denied') return this.publisher.open();
      throw error;
    }
  }

  private async change(replace: () => Promise<void>): Promise<void> {
    try {
      await replace();
      this.problem = null;
      this.taken();
    } catch (error) {
      this.problem = deviceProblem(error);
    }
  }

  private taken(): void {
    this.tracks = this.stream?.getTracks() ?? [];
    for (const track of this.tracks) track.onended = () => (this.problem = 'lost');
    keep({ camera: this.cameraId, microphone: this.microphoneId });
  }

  private async list(): Promise<void> {
    if (navigator.mediaDevices) this.devices = await this.publisher.devices();
  }

  private become(state: PublisherState): void {
    this.state = state;
    if (state !== 'live') this.statistics = null;
    if (state === 'live') {
      this.onlive();
      this.settle((one) => one.resolve());
    }
    if (state === 'idle') this.settle((one) => one.reject(new NoPicture('canceled')));
    if (state === 'refused') this.settle((one) => one.reject(new NoPicture('refused')));
  }

  private settle(end: (one: (typeof this.waiting)[number]) => void): void {
    const settled = this.waiting;
    this.waiting = [];
    settled.forEach(end);
  }

  private idOf(kind: string): string {
    const track = this.tracks.find((one) => one.kind === kind);
    return track?.getSettings().deviceId ?? '';
  }
}

function kept(): Chosen {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Chosen;
  } catch {
    return {};
  }
}

function keep(chosen: Required<Chosen>): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(chosen));
  } catch {
    // Without storage the browser's first devices are asked for again.
  }
}
