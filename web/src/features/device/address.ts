/** What a camera's page keeps in the address: the tab. */

export const TABS = ['facts', 'imaging', 'masks', 'events', 'card'] as const;
export type Tab = (typeof TABS)[number];

export interface DeviceSearch {
  tab?: Tab;
}

export function readDevice(search: Record<string, unknown>): DeviceSearch {
  return { tab: TABS.find((tab) => tab === search.tab) };
}
