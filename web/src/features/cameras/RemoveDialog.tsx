import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { removeCamera } from '../../client/actions';
import type { Problem } from '../../client/problem';
import { keys } from '../../client/queries';
import type { Camera } from '../../client/types';
import { Notice } from '../../kit/Notice';
import { useProblemWords } from '../../kit/useProblemWords';

/** Asks once, names the camera and says what will happen. */
export function RemoveDialog({ camera, onClose }: { camera: Camera | null; onClose: () => void }) {
  const { t } = useTranslation();
  const say = useProblemWords();
  const client = useQueryClient();
  const remove = useMutation<undefined, Problem, string>({
    mutationFn: removeCamera,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.cameras });
      onClose();
    },
  });
  const close = () => {
    remove.reset();
    onClose();
  };
  return (
    <Modal
      opened={camera !== null}
      onClose={close}
      title={t('cameras.removeTitle', { code: camera?.code ?? '' })}
      closeButtonProps={{ 'aria-label': t('app.close') }}
    >
      <Stack gap="md">
        <Text>{t('cameras.removeText', { code: camera?.code ?? '', name: camera?.name ?? '' })}</Text>
        {remove.error ? <Notice {...say(remove.error)} /> : null}
        <Group justify="flex-end">
          <Button variant="default" data-autofocus onClick={close}>
            {t('app.cancel')}
          </Button>
          <Button
            color="red"
            loading={remove.isPending}
            data-testid="confirm-remove"
            onClick={() => {
              if (camera) remove.mutate(camera.code);
            }}
          >
            {t('cameras.removeYes', { code: camera?.code ?? '' })}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
