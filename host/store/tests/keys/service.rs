//! Data keys in the hands of a key management service, which is asked over a network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use partneros_store::{
    Error, KeyBytes, KeyRing, KeyWrapper, Keys as _, Result, UnwrapError, WrapContext, WrappedKey,
};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use crate::world::{Folder, all_open, connects, opens, populate};

/// A service that keeps data keys itself and hands out numbers; for what it does not have there is the ring.
#[derive(Debug)]
struct Service {
    ring: KeyRing,
    kept: Mutex<Vec<(WrapContext, KeyBytes)>>,
    asked: AtomicUsize,
    is_down: AtomicBool,
}

impl Service {
    async fn answers(&self) -> Result<()> {
        tokio::task::yield_now().await;
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_down.load(Ordering::Relaxed) {
            return Err(Error::Engine {
                operation: "ask the key management service",
                source: "no answer".into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl KeyWrapper for Service {
    async fn current(&self) -> Result<String> {
        Ok("service/1".to_owned())
    }

    async fn wrap_key(&self, context: WrapContext, key: &KeyBytes) -> Result<WrappedKey> {
        self.answers().await?;
        let mut kept = self.kept.lock().await;
        kept.push((context, KeyBytes::new(Box::new(*key.expose_secret()))));
        Ok(WrappedKey {
            under: "service/1".to_owned(),
            bytes: vec![kept.len() as u8 - 1],
        })
    }

    async fn unwrap_key(
        &self,
        context: WrapContext,
        wrapped: &WrappedKey,
    ) -> std::result::Result<KeyBytes, UnwrapError> {
        if wrapped.under != "service/1" {
            return self.ring.unwrap_key(context, wrapped).await;
        }
        self.answers().await.map_err(UnwrapError::Failed)?;
        let kept = self.kept.lock().await;
        match kept.get(usize::from(wrapped.bytes[0])) {
            Some((whose, key)) if *whose == context => {
                Ok(KeyBytes::new(Box::new(*key.expose_secret())))
            }
            _ => Err(UnwrapError::Changed),
        }
    }
}

#[tokio::test]
async fn a_service_takes_over_from_the_ring() {
    let folder = Folder::new();
    populate(&folder.open(), 3, 1).await;
    let service = Arc::new(Service {
        ring: folder.ring(),
        kept: Mutex::default(),
        asked: AtomicUsize::new(0),
        is_down: AtomicBool::new(false),
    });
    let store = folder.open().wrapped_by(service.clone());
    all_open(&store, 3, 1).await;
    assert_eq!(store.rewrap_data_keys().await.unwrap().data_keys, 3);
    let uses = store.key_uses().await.unwrap();
    assert_eq!((uses[0].key.as_str(), uses[0].data_keys), ("service/1", 3));

    let asked = || service.asked.swap(0, Ordering::Relaxed);
    asked();
    all_open(&store, 3, 1).await;
    assert_eq!(asked(), 3);
    all_open(&store, 3, 1).await;
    assert_eq!(asked(), 0, "what was unwrapped is kept");
    connects(&store, 1, 2).await.unwrap();
    assert_eq!(store.renew_data_keys().await.unwrap().data_keys, 3);

    // A service that does not answer is no changed value, and what is in memory goes on to work.
    service.is_down.store(true, Ordering::Relaxed);
    all_open(&store, 3, 1).await;
    let fresh = folder.open().wrapped_by(service.clone());
    let error = opens(&fresh, 1, 1).await.unwrap_err();
    assert!(matches!(error, Error::Engine { .. }), "{error:?}");
    assert!(fresh.renew_data_keys().await.is_err());
    service.is_down.store(false, Ordering::Relaxed);
    opens(&fresh, 1, 1).await.unwrap();
}
