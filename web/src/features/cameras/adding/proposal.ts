/** What the page proposes for a device that was found: code and name, and how it is told apart from others. */
import type { Camera, DeviceDescription, FoundDevice, View } from '../../../client/types';

/** The code after the highest one of the most common beginning: DK-01, DK-02 -> DK-03. */
export function nextCode(cameras: readonly Pick<Camera, 'code'>[], fallback = 'CAM-'): string {
  const series = new Map<string, { count: number; highest: number; width: number }>();
  for (const { code } of cameras) {
    const [, head, digits] = /^(.*?)(\d+)$/.exec(code) ?? [];
    if (head === undefined || digits === undefined) continue;
    const before = series.get(head) ?? { count: 0, highest: 0, width: 0 };
    series.set(head, {
      count: before.count + 1,
      highest: Math.max(before.highest, Number(digits)),
      width: Math.max(before.width, digits.length),
    });
  }
  const [head, found] = [...series].sort(([, a], [, b]) => b.count - a.count)[0] ?? [fallback, null];
  return `${head}${String((found?.highest ?? 0) + 1).padStart(found?.width ?? 2, '0')}`;
}

/** `http://10.0.0.5:8080/onvif/device_service` -> `10.0.0.5:8080`; what is no URL stays as it is. */
export function hostOf(address: string): string {
  try {
    return new URL(address.includes('://') ? address : `http://${address}`).host;
  } catch {
    return address;
  }
}

/** Many cameras give themselves their maker's or a generic name; then the model says more. */
export function titleOf(device: Pick<FoundDevice, 'name' | 'hardware'>): string {
  const { name, hardware } = device;
  if (hardware === '' || name.includes(hardware)) return name || hardware;
  return name === '' ? hardware : `${name} · ${hardware}`;
}

/** A name to begin with; with several lenses their number. */
export function nameFor(told: Pick<DeviceDescription, 'manufacturer' | 'model' | 'views'>, view: number): string {
  const name = [told.manufacturer, told.model].filter((word) => word !== null && word !== '').join(' ') || 'Camera';
  return told.views.length > 1 ? `${name} ${view + 1}` : name;
}

/** `1920 × 1080` of a view's main stream, for a choice among lenses. */
export function sizeOf(view: View): string {
  const { width, height } = view.main;
  return width !== null && height !== null ? `${width} × ${height}` : view.main.name;
}
