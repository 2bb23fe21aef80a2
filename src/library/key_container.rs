//! Private keys that Windows keeps on the disk.

use schannel::RawPointer;
use schannel::cert_context::CertContext;
use std::ptr;
use windows_sys::Win32::Security::Cryptography as crypto;

/// Where an imported private key is. Dropping it deletes the key.
pub struct KeyContainer {
    container: Vec<u16>,
    provider: Vec<u16>,
    /// 0: a provider of CNG.
    kind: u32,
    flags: u32,
}

/// The container of a certificate's private key, where it has one.
pub fn key_container(certificate: &CertContext) -> Option<KeyContainer> {
    // SAFETY: the pointer is used while the certificate is borrowed.
    let certificate = unsafe { certificate.as_ptr() }.cast::<crypto::CERT_CONTEXT>().cast_const();
    let property = crypto::CERT_KEY_PROV_INFO_PROP_ID;
    let mut size = 0;
    // SAFETY: a live certificate; without a buffer only the size is told.
    if unsafe { crypto::CertGetCertificateContextProperty(certificate, property, ptr::null_mut(), &raw mut size) } == 0
    {
        return None;
    }
    // In words, because the structure at its beginning holds pointers.
    let mut buffer = vec![0_u64; usize::try_from(size).ok()?.div_ceil(8)];
    let start = buffer.as_mut_ptr();
    // SAFETY: the buffer has the size that goes with it.
    if unsafe { crypto::CertGetCertificateContextProperty(certificate, property, start.cast(), &raw mut size) } == 0 {
        return None;
    }
    // SAFETY: Windows has written the structure there, which is aligned, and the strings that it points to behind it.
    let (info, container, provider) = unsafe {
        let info = &*start.cast::<crypto::CRYPT_KEY_PROV_INFO>();
        (info, text(info.pwszContainerName), text(info.pwszProvName))
    };
    Some(KeyContainer { container, provider, kind: info.dwProvType, flags: info.dwFlags })
}

/// With its NUL.
///
/// # Safety
/// `start` is NULL or begins a text that ends with a NUL.
unsafe fn text(start: *const u16) -> Vec<u16> {
    let mut text = Vec::new();
    // SAFETY: the caller's promise: no unit behind the NUL is read.
    while !start.is_null() && unsafe { *start.add(text.len()) } != 0 {
        // SAFETY: as above.
        text.push(unsafe { *start.add(text.len()) });
    }
    text.push(0);
    text
}

impl Drop for KeyContainer {
    fn drop(&mut self) {
        if self.kind == 0 { self.delete_by_cng() } else { self.delete_by_csp() }
    }
}

impl KeyContainer {
    fn delete_by_csp(&self) {
        let flags = self.flags & crypto::CRYPT_MACHINE_KEYSET | crypto::CRYPT_DELETEKEYSET;
        let mut handle = 0;
        // SAFETY: texts that end with a NUL; with this flag no handle is made.
        unsafe {
            crypto::CryptAcquireContextW(
                &raw mut handle,
                self.container.as_ptr(),
                self.provider.as_ptr(),
                self.kind,
                flags,
            );
        }
    }

    fn delete_by_cng(&self) {
        let mut provider = 0;
        // SAFETY: a text that ends with a NUL, and a place for the handle.
        if unsafe { crypto::NCryptOpenStorageProvider(&raw mut provider, self.provider.as_ptr(), 0) } != 0 {
            return;
        }
        // The same number as CRYPT_MACHINE_KEYSET.
        let flags = self.flags & crypto::NCRYPT_MACHINE_KEY_FLAG;
        let mut key = 0;
        // SAFETY: the provider that was opened, a text that ends with a NUL, and a place for the handle; deleting the key
        // frees it.
        unsafe {
            if crypto::NCryptOpenKey(provider, &raw mut key, self.container.as_ptr(), 0, flags) == 0
                && crypto::NCryptDeleteKey(key, 0) != 0
            {
                crypto::NCryptFreeObject(key);
            }
            crypto::NCryptFreeObject(provider);
        }
    }
}
